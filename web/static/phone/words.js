// Words on the screen: text that can never become markup, links that can only be links, and times as WeChat says them.

const LINK = /<a\b([^>]*)>([\s\S]*?)<\/a\s*>|https?:\/\/[^\s<>"'，。；！？、（）【】《》]+/gi;
const ATTRIBUTE = /([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g;
const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** The address as this page may open it, or "" for anything that is not http or https. Our own address, under whatever
    name of this machine it was written, becomes a path of this page. */
export function address(text) {
  let url;
  try {
    url = new URL(text, location.href);
  } catch {
    return "";
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return "";
  const here = ["127.0.0.1", "localhost", "[::1]"];
  const same = url.port === location.port && here.includes(url.hostname) && here.includes(location.hostname);
  return same || url.origin === location.origin ? url.pathname + url.search + url.hash : url.href;
}

function attributes(text) {
  const found = {};
  for (const [, name, double, single, bare] of text.matchAll(ATTRIBUTE)) {
    found[name.toLowerCase()] = (double ?? single ?? bare).replace(/&(amp|lt|gt|quot|#39);/g, (e) => ENTITIES[e]);
  }
  return found;
}

/** A choice written into a text: weixin://bizmsgmenu?msgmenucontent=…&msgmenuid=… */
function choice(href) {
  if (!/^weixin:\/\/bizmsgmenu\?/i.test(href)) return null;
  const query = new URLSearchParams(href.slice(href.indexOf("?") + 1));
  return query.get("msgmenucontent") ?? "";
}

function link(text, href, act) {
  const chosen = choice(href);
  const target = chosen === null ? address(href) : "";
  if (chosen === null && !target) return document.createTextNode(text);
  const element = make("a", "", text);
  element.href = target || "#";
  if (target) element.rel = "noopener noreferrer";
  element.addEventListener("click", (event) => {
    event.preventDefault();
    if (chosen !== null) act.say(chosen);
    else act.open(target, text);
  });
  return element;
}

/** Fills `element` with text. Of markup only <a href> counts, as in WeChat, and only with http, https or a choice. */
export function fill(element, text, act) {
  let done = 0;
  for (const match of text.matchAll(LINK)) {
    element.append(text.slice(done, match.index));
    const isMarkup = match[0].startsWith("<");
    const href = isMarkup ? (attributes(match[1]).href ?? "") : match[0];
    element.append(link(isMarkup ? match[2].replace(/<[^>]*>/g, "") : match[0], href, act));
    done = match.index + match[0].length;
  }
  element.append(text.slice(done));
  return element;
}

/** A message of one to three emoji and nothing else is shown large. */
export function onlyEmoji(text) {
  const bare = text.trim();
  return bare.length > 0 && bare.length <= 24 && /^(\p{Emoji_Presentation}|\p{Emoji}\uFE0F|\p{Emoji_Modifier}|\u200D)+$/u.test(bare)
    && [...new Intl.Segmenter("zh", { granularity: "grapheme" }).segment(bare)].length <= 3;
}

const ZONE = { timeZone: "Asia/Shanghai" };
const DAY = new Intl.DateTimeFormat("en-CA", { ...ZONE, year: "numeric", month: "2-digit", day: "2-digit" });
const HOUR = new Intl.DateTimeFormat("en-GB", { ...ZONE, hour: "2-digit", minute: "2-digit" });
const LONG = new Intl.DateTimeFormat("zh-CN", { ...ZONE, year: "numeric", month: "long", day: "numeric" });
const SHORT = new Intl.DateTimeFormat("zh-CN", { ...ZONE, month: "long", day: "numeric" });
const WEEK = new Intl.DateTimeFormat("zh-CN", { ...ZONE, weekday: "long" });

export const hour = (at) => HOUR.format(at);

/** 10:05, 昨天 10:05, 星期三 10:05, 2月21日 10:05 or 2025年2月21日 10:05, as seen at `now`. */
export function when(at, now) {
  const days = Math.round((Date.parse(DAY.format(now)) - Date.parse(DAY.format(at))) / 86400000);
  if (days === 0) return hour(at);
  if (days === 1) return `昨天 ${hour(at)}`;
  if (days > 1 && days < 7) return `${WEEK.format(at)} ${hour(at)}`;
  const isThisYear = DAY.format(now).slice(0, 4) === DAY.format(at).slice(0, 4);
  return `${(isThisYear ? SHORT : LONG).format(at)} ${hour(at)}`;
}

// From one entry of the talk to what is seen of it.

import { address, fill, icon, make, onlyEmoji } from "./words.js";

const MARK = "/static/mark.svg";

export function avatar(name) {
  const letters = [...name.trim()];
  const sum = letters.reduce((total, letter) => total + letter.codePointAt(0), 0);
  const element = make("span", `avatar hue-${sum % 8}`, letters[0] ?? "工");
  element.setAttribute("aria-hidden", "true");
  return element;
}

function accountAvatar() {
  const image = make("img", "avatar");
  Object.assign(image, { src: MARK, alt: "", width: 42, height: 42 });
  return image;
}

function photo(url, alt) {
  const target = address(url ?? "");
  if (!target) return null;
  const image = make("img");
  Object.assign(image, { src: target, alt, loading: "lazy", referrerPolicy: "no-referrer" });
  image.addEventListener("error", () => image.remove());
  return image;
}

function text(entry, act) {
  const element = make("div", `bubble${onlyEmoji(entry.text) ? " big" : ""}`);
  // What a worker types is never markup on the worker's own screen.
  if (entry.from === "worker") element.textContent = entry.text;
  else fill(element, entry.text, act);
  return element;
}

function image(entry, act) {
  const frame = make("button", "picture");
  frame.type = "button";
  frame.setAttribute("aria-label", "图片，点开看大图");
  const seen = photo(entry.url, "图片");
  if (seen) frame.append(seen);
  frame.addEventListener("click", () => entry.url && act.open(address(entry.url), "图片"));
  return frame;
}

function voice(entry) {
  const element = make("div", "bubble voice");
  element.append(icon("wave"), "语音");
  return element;
}

function video(entry) {
  const frame = make("div", "picture film");
  frame.setAttribute("aria-label", "视频");
  frame.append(icon("play"));
  return frame;
}

function place(entry) {
  const box = make("div", "box");
  const words = make("div", "box-words");
  words.append(make("b", "", entry.text || "我的位置"));
  const map = make("div", "map");
  map.append(icon("place"));
  box.append(words, map);
  return box;
}

function shared(entry, act) {
  const article = entry.articles?.[0] ?? {};
  const url = entry.url || article.url;
  const box = make("button", "box");
  const words = make("div", "box-words link-box");
  box.type = "button";
  words.append(make("b", "", article.title || entry.text || url));
  words.append(make("small", "", article.description || url || ""));
  words.append(icon("link"));
  box.append(words);
  box.addEventListener("click", () => url && act.open(address(url), article.title || entry.text));
  return box;
}

function choices(entry, act) {
  const element = make("div", "bubble choices");
  if (entry.text) element.append(fill(make("p"), entry.text, act));
  for (const item of entry.items ?? []) {
    const button = make("button", "", item.content);
    button.type = "button";
    button.addEventListener("click", () => act.choose(item.id));
    element.append(button);
  }
  if (entry.tail) element.append(fill(make("p"), entry.tail, act));
  return element;
}

function article(one, position, count, act) {
  const target = address(one.url ?? "");
  const element = make(target ? "a" : "div", `article ${position ? "next" : "first"}${count > 1 ? " many" : ""}`);
  const picture = make("div", "article-picture");
  const seen = photo(one.picurl, "");
  const title = make("h3", "article-title", one.title);
  if (seen) picture.append(seen);
  if (position) element.append(title, picture);
  else if (count > 1) {
    picture.append(title);
    element.append(picture);
  } else {
    element.append(picture, title);
    if (one.description) element.append(make("p", "article-digest", one.description));
  }
  if (target) {
    element.href = target;
    element.addEventListener("click", (event) => {
      event.preventDefault();
      act.open(target, one.title);
    });
  }
  return element;
}

function news(entry, act) {
  const card = make("div", "card news");
  const articles = entry.articles ?? [];
  articles.forEach((one, position) => card.append(article(one, position, articles.length, act)));
  return card;
}

/** The first line is the notice's title; "name：value" lines become a table; others stand alone. */
function template(entry, act) {
  const target = address(entry.url ?? "");
  const card = make(target ? "a" : "div", "card template");
  const [title, ...lines] = entry.text.split("\n");
  const rows = make("dl", "template-rows");
  for (const line of lines.filter((one) => one.trim())) {
    const cut = line.search(/[：:]/);
    if (cut > 0 && cut <= 8) rows.append(make("dt", "", line.slice(0, cut)), make("dd", "", line.slice(cut + 1).trim()));
    else rows.append(make("dd", "alone", line));
  }
  card.append(make("h3", "template-title", title), rows);
  if (target) {
    const more = make("div", "card-more", "查看详情");
    more.append(icon("right"));
    card.append(more);
    card.href = target;
    card.addEventListener("click", (event) => {
      event.preventDefault();
      act.open(target, title);
    });
  }
  return card;
}

const BUBBLES = { text, image, voice, video, location: place, link: shared, menu: choices };
const CARDS = { news, template };

/** What is seen of one entry: a card over the full width, a bubble beside its speaker, or a grey line in the middle. */
export function render(entry, name, act) {
  const card = CARDS[entry.kind];
  if (card && entry.from === "account") return [card(entry, act)];
  const bubble = BUBBLES[entry.kind];
  if (!bubble || entry.from === "system") return [make("p", "note", entry.text)];
  const isMine = entry.from === "worker";
  const row = make("div", `said ${isMine ? "me" : "them"}`);
  row.append(isMine ? avatar(name) : accountAvatar(), make("span", "sr", isMine ? "我：" : "公众号："), bubble(entry, act));
  if (entry.kind !== "voice" || !entry.text) return [row];
  const heard = make("p", `heard${isMine ? " me" : ""}`, entry.text);
  return [row, heard];
}

/** The line under a worker's name in the list. */
export function summary(entry) {
  const named = { image: "[图片]", voice: "[语音]", video: "[视频]", location: "[位置]", link: "[链接]" }[entry.kind];
  return named ?? entry.articles?.[0]?.title ?? entry.text ?? "";
}

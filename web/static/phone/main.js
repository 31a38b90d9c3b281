// The simulated phone: several workers, one account, and everything that passes between them.

import { avatar, render, summary } from "./bubbles.js";
import { Away, look, tell } from "./far.js";
import { closeMenu, drawMenu } from "./menu.js";
import { closeSheet, confirmSheet, SHEETS } from "./sheets.js";
import { address, hour, make, when } from "./words.js";

const POLL_MS = 700;
const HIDDEN_POLL_MS = 5000;
const OTHERS_EVERY = 4; // rounds between two looks at the other workers' phones
const STAMP_MS = 5 * 60 * 1000; // WeChat shows the time again after five quiet minutes
const SIGN_IN = "/phone/far/connect/oauth2/";
const EMOJI = "😊 😂 😄 🥰 😎 🤔 😢 😮 👍 👏 🙏 💪 🌹 ❤️ 🎉 🎁 🏮 🧧 🔥 ☀️ 🌧️ 🍚 🦀 ⚽ 🎤 📷 🚌 🏭 👷 🛠️ 💰 📄 ✅ ❓".split(" ");

const $ = (id) => document.getElementById(id);
const log = $("log");
const words = $("words");

const talks = new Map(); // openid → {seq, last, unread}
let people = [];
let isPrimed = false; // what stood in the talks before this page was opened is not news
let who = "";
let following = null; // unknown until the platform has said it
let generation = 0; // grows with each switch, so that a late answer for another phone is dropped
let mode = "menu";
let menuText = "";
let shownAt = 0;
let now = new Date();
let wake = () => {};

const remembered = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } };
const talk = (openid) => {
  if (!talks.has(openid)) talks.set(openid, { seq: 0, last: null, unread: 0 });
  return talks.get(openid);
};
const nameOf = (openid) => people.find((one) => one.openid === openid)?.name ?? "我";

// ---- views

function show(view) {
  for (const one of ["chat", "profile", "web"]) $(`view-${one}`).hidden = one !== view;
}

function isAtEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 120;
}

function toEnd() {
  log.scrollTop = log.scrollHeight;
  $("newer").hidden = true;
}

let toastTimer;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 2600);
}

function offline(isOff) {
  $("offline").hidden = !isOff;
}

function openPage(target, title) {
  if (!target) return;
  const frame = $("web-frame");
  $("web-title").textContent = title || "网页";
  if (target.startsWith("/")) {
    const page = make("iframe");
    page.title = title || "网页";
    page.src = target.startsWith(SIGN_IN) ? asWorker(target) : target;
    frame.replaceChildren(page);
  } else {
    const away = make("div", "web-away");
    const link = make("a", "green", "在新窗口打开");
    Object.assign(link, { href: target, target: "_blank", rel: "noopener noreferrer" });
    away.append(make("p", "", "这是外面的网页："), make("p", "", target), link);
    frame.replaceChildren(away);
  }
  show("web");
  $("from-web").focus({ preventScroll: true });
}

/** The sign-in page knows by this whose phone it is on. */
function asWorker(target) {
  const [query, hash] = target.split("#");
  return `${query}&simulated_worker=${encodeURIComponent(who)}${hash ? `#${hash}` : ""}`;
}

function setFollowing(isFollowing) {
  if (following === isFollowing) return;
  following = isFollowing;
  $("follow").hidden = $("follow-by-scan").hidden = isFollowing;
  $("to-chat").hidden = $("unfollow").hidden = !isFollowing;
  $("from-profile").hidden = false;
  $("profile-note").textContent = isFollowing ? "" : "关注以后才能聊天、点菜单、收到推送。";
  show(isFollowing ? "chat" : "profile");
  if (isFollowing) toEnd();
  menuText = "";
}

// ---- the bottom bar

function setMode(next) {
  const hasMenu = menuText !== "" && menuText !== "[]";
  mode = hasMenu ? next : "words";
  $("menu-row").hidden = mode !== "menu";
  $("words-row").hidden = mode !== "words";
  $("to-menu").hidden = !hasMenu;
  panel("");
}

function panel(name) {
  for (const one of ["emoji", "plus"]) {
    $(`panel-${one}`).hidden = one !== name;
    $(`to-${one}`).setAttribute("aria-expanded", String(one === name));
  }
}

function fitWords() {
  words.style.height = "auto";
  words.style.height = `${Math.min(words.scrollHeight + 2, 132)}px`;
  const isEmpty = words.value.trim() === "";
  $("send").hidden = isEmpty;
  $("to-plus").hidden = !isEmpty;
}

async function readMenu() {
  const asked = generation;
  const menu = await look("menu", { openid: who });
  if (asked !== generation) return;
  const text = JSON.stringify(menu.button ?? []);
  if (text === menuText) return;
  const isFirst = menuText === "";
  menuText = text;
  drawMenu($("menu"), menu.button ?? [], tapMenu);
  setMode(isFirst ? "menu" : mode);
}

async function tapMenu(button, path) {
  const answer = await send({ action: "tap", path });
  if (answer?.url) openPage(address(answer.url), button.name);
}

// ---- what the worker does

async function send(deed) {
  const openid = who;
  setTimeout(() => wake(), 60);
  try {
    const answer = await tell("do", { openid, ...deed });
    if (answer.note) toast(answer.note);
    return answer;
  } catch (error) {
    if (error instanceof Away) offline(true);
    toast(error.message);
    return null;
  } finally {
    wake();
  }
}

async function say() {
  const text = words.value.trim();
  if (!text) return;
  words.value = "";
  caret = null;
  fitWords();
  panel("");
  toEnd();
  if (!(await send({ action: "say", text })) && !words.value) {
    words.value = text; // nothing a worker wrote is lost
    fitWords();
  }
}

const act = {
  open: openPage,
  choose: (id) => send({ action: "choose", id }), // one of a list
  say: (text) => send({ action: "say", text }), // one within a text
};

// ---- what arrives

function append(entries, isFirst) {
  const stays = isFirst || isAtEnd() || entries.some((entry) => entry.from === "worker");
  const fragment = document.createDocumentFragment();
  for (const entry of entries) {
    const at = new Date(entry.at);
    if (at - shownAt > STAMP_MS) {
      const stamp = make("time", "when", when(at, now));
      stamp.dateTime = entry.at;
      fragment.append(stamp);
    }
    shownAt = Math.max(at, shownAt);
    for (const element of render(entry, nameOf(who), act)) {
      if (!isFirst) element.classList.add("fresh");
      fragment.append(element);
    }
  }
  log.querySelector(".log-empty")?.remove();
  log.append(fragment);
  if (stays) toEnd();
  else $("newer").hidden = false;
}

/** Yesterday's "10:05" must not stay "10:05". */
function restamp() {
  for (const stamp of log.querySelectorAll(".when")) {
    const text = when(new Date(stamp.dateTime), now);
    if (stamp.textContent !== text) stamp.textContent = text;
  }
}

async function readTalk() {
  const asked = generation;
  const own = talk(who);
  const isFirst = log.childElementCount === 0;
  const chat = await look("chat", { openid: who, after: isFirst ? 0 : own.seq });
  if (asked !== generation) return;
  now = new Date(chat.now);
  $("status-time").textContent = hour(now);
  restamp();
  const entries = isFirst ? chat.entries : chat.entries.filter((entry) => entry.seq > own.seq);
  if (entries.length) {
    own.seq = entries[entries.length - 1].seq;
    own.last = entries[entries.length - 1];
    append(entries, isFirst);
    drawPeople();
  } else if (isFirst) log.append(make("p", "log-empty", "还没有消息。点下面的菜单，或者说一句话试试。"));
  setFollowing(chat.following);
}

async function readOthers() {
  const known = await look("workers");
  people = known.workers;
  if (!people.some((one) => one.openid === who)) return people.length ? choose(people[0].openid) : drawPeople();
  for (const { openid } of people.filter((one) => one.openid !== who)) {
    const other = talk(openid);
    const chat = await look("chat", { openid, after: other.seq });
    const fresh = chat.entries.filter((entry) => entry.seq > other.seq);
    if (fresh.length) {
      other.seq = fresh[fresh.length - 1].seq;
      other.last = fresh[fresh.length - 1];
      if (isPrimed && openid !== who) other.unread += fresh.filter((entry) => entry.from === "account").length;
    }
  }
  isPrimed = true;
  drawPeople();
}

// ---- the list of workers

function drawPeople() {
  const list = $("people-list");
  const hadFocus = list.contains(document.activeElement) ? document.activeElement.dataset.openid : "";
  list.replaceChildren(...people.map(personRow));
  if (hadFocus) list.querySelector(`[data-openid="${CSS.escape(hadFocus)}"]`)?.focus({ preventScroll: true });
  if (!people.length) list.append(make("li", "log-empty", "还没有职工。在下面写一个名字，添加第一位。"));
  const unread = people.reduce((sum, one) => sum + talk(one.openid).unread, 0);
  $("unread-all").hidden = unread === 0;
  $("unread-all").textContent = unread > 99 ? "99+" : String(unread);
  $("to-people").setAttribute("aria-label", unread ? `返回职工名单，别的手机有 ${unread} 条新消息` : "返回职工名单");
}

function personRow(person) {
  const { last, unread } = talk(person.openid);
  const line = make("li");
  const button = make("button", "person");
  const face = avatar(person.name);
  button.type = "button";
  button.dataset.openid = person.openid;
  if (person.openid === who) button.setAttribute("aria-current", "true");
  if (unread) face.append(make("span", "badge", unread > 99 ? "99+" : String(unread)));
  const state = person.following ? "" : "还没有关注";
  button.append(face, make("span", "person-name", person.name));
  button.append(make("span", "person-at", last ? when(new Date(last.at), now) : ""));
  button.append(make("span", "person-last", state || (last ? summary(last) : "已关注")));
  if (unread) button.append(make("span", "sr", `${unread} 条新消息`));
  button.addEventListener("click", () => {
    document.body.classList.remove("show-people");
    choose(person.openid);
  });
  line.append(button);
  return line;
}

function choose(openid) {
  if (openid === who) return;
  who = openid;
  generation += 1;
  following = null;
  shownAt = 0;
  menuText = "";
  talk(openid).unread = 0;
  remember("who", openid);
  log.replaceChildren();
  $("newer").hidden = true;
  closeSheet();
  closeMenu();
  show("chat");
  drawPeople();
  wake();
}

// ---- the loop

function pause(ms) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    wake = () => {
      clearTimeout(timer);
      done();
    };
  });
}

async function round(count) {
  if (count % OTHERS_EVERY === 0 || !who) await readOthers();
  if (!who) return;
  await readTalk();
  if (following && (menuText === "" || count % (OTHERS_EVERY * 4) === 0)) await readMenu();
}

async function run() {
  let failures = 0;
  for (let count = 0; ; count += 1) {
    try {
      await round(count);
      failures = 0;
      offline(false);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      failures += 1;
      if (failures > 1) offline(true);
    }
    await pause(document.hidden ? HIDDEN_POLL_MS : POLL_MS * Math.min(failures + 1, 4));
  }
}

// ---- wiring

function typeSize(step) {
  document.documentElement.classList.remove("type-2", "type-3");
  if (step > 1) document.documentElement.classList.add(`type-${step}`);
  remember("type", String(step));
}

// Some releases of Chromium forget the caret of a field that has no focus, so it is kept here until the field has it again.
let caret = null;

function insert(symbol) {
  const start = caret ?? words.selectionStart;
  words.setRangeText(symbol, start, caret ?? words.selectionEnd, "end");
  if (document.activeElement !== words) caret = start + symbol.length;
  fitWords();
}

function restoreCaret() {
  if (caret !== null) words.setSelectionRange(caret, caret);
  caret = null;
}

const ON = {
  "to-people": () => document.body.classList.add("show-people"),
  "to-profile": () => show("profile"),
  "from-profile": () => (following ? show("chat") : document.body.classList.add("show-people")),
  "from-web": () => {
    $("web-frame").replaceChildren();
    show("chat");
  },
  "to-chat": () => show("chat"),
  "to-words": () => {
    setMode("words");
    words.focus();
  },
  "to-menu": () => setMode("menu"),
  "to-emoji": () => panel($("panel-emoji").hidden ? "emoji" : ""),
  "to-plus": () => panel($("panel-plus").hidden ? "plus" : ""),
  "newer": toEnd,
  "follow": () => send({ action: "follow" }),
  "follow-by-scan": () => SHEETS.scan(send),
  "unfollow": () => confirmSheet("不再关注这个公众号？", "以后就收不到推送了，也不能在这里办事。随时可以再关注。", "不再关注",
    () => send({ action: "unfollow" })),
  "type-size": () => typeSize((Number(remembered("type") ?? 1) % 3) + 1),
};
for (const [id, deed] of Object.entries(ON)) $(id).addEventListener("click", deed);

for (const symbol of EMOJI) {
  const button = make("button", "", symbol);
  button.type = "button";
  button.addEventListener("click", () => insert(symbol));
  $("panel-emoji").append(button);
}
for (const button of $("panel-plus").querySelectorAll("button")) {
  button.addEventListener("click", () => {
    panel("");
    SHEETS[button.dataset.sheet](send, toast);
  });
}
words.addEventListener("input", fitWords);
words.addEventListener("focus", restoreCaret);
words.addEventListener("focus", () => setTimeout(toEnd, 250)); // once the keyboard has come up
words.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});
$("words-row").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
  words.focus();
});
$("people-new").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = $("people-name").value.trim();
  if (!name) return;
  try {
    const made = await tell("workers", { name });
    $("people-name").value = "";
    await readOthers();
    document.body.classList.remove("show-people");
    choose(made.openid);
  } catch (error) {
    toast(error.message);
  }
});
log.addEventListener("scroll", () => { if (isAtEnd()) $("newer").hidden = true; });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (closeSheet() || closeMenu()) return;
  panel("");
  if (!$("view-web").hidden) ON["from-web"]();
});
document.addEventListener("visibilitychange", () => wake());

if (window.top !== window) document.body.classList.add("embedded");
typeSize(Number(remembered("type") ?? 1));
who = "";
const asked = new URLSearchParams(location.search).get("openid") ?? remembered("who");
if (asked) who = asked;
fitWords();
setMode("words");
run();

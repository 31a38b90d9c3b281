// The sheets that rise from below: a picture, a voice, a place, a code to scan, a link to share, a question to confirm.

import { icon, make } from "./words.js";

const PICTURES = [
  ["helmet", "工地"],
  ["reeds", "芦苇荡"],
  ["crab", "河蟹"],
];
const PLACES = [
  ["盘锦市兴隆台区", 41.12, 122.07],
  ["盘锦市双台子区", 41.19, 122.06],
  ["盘锦市大洼区", 41.0, 122.08],
  ["盘锦市盘山县", 41.24, 121.99],
];

const shade = document.getElementById("sheet-shade");
const sheet = document.getElementById("sheet");
let before = null;

export function closeSheet() {
  if (shade.hidden) return false;
  shade.hidden = true;
  for (const view of document.querySelectorAll(".view, .people")) view.inert = false;
  before?.focus({ preventScroll: true });
  return true;
}

function openSheet(title, ...content) {
  before = document.activeElement;
  const head = make("div", "sheet-head");
  const heading = make("h3", "", title);
  const close = make("button", "icon-button");
  heading.id = "sheet-title";
  close.type = "button";
  close.setAttribute("aria-label", "关闭");
  close.append(icon("close"));
  close.addEventListener("click", closeSheet);
  head.append(heading, close);
  sheet.replaceChildren(head, ...content);
  shade.hidden = false;
  for (const view of document.querySelectorAll(".view, .people")) view.inert = true;
  (sheet.querySelector("input, textarea, .choice, .pictures button") ?? close).focus({ preventScroll: true });
}

shade.addEventListener("click", (event) => {
  if (event.target === shade) closeSheet();
});
sheet.addEventListener("keydown", (event) => {
  if (event.key !== "Tab") return;
  const stops = [...sheet.querySelectorAll("button, input, textarea")];
  const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
  if (document.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
});

function field(label, name, options = {}) {
  const wrap = make("label", "", label);
  const input = make(options.long ? "textarea" : "input");
  input.name = name;
  input.maxLength = options.max ?? 200;
  input.required = options.required ?? true;
  input.placeholder = options.hint ?? "";
  input.value = options.value ?? "";
  if (options.type) input.type = options.type;
  wrap.append(input);
  return wrap;
}

function form(button, fields, send) {
  const element = make("form");
  const submit = make("button", "green wide", button);
  submit.type = "submit";
  element.autocomplete = "off";
  element.append(...fields, submit);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(element));
    closeSheet();
    send(given);
  });
  return element;
}

function choice(title, small, chosen) {
  const button = make("button", "choice", title);
  button.type = "button";
  if (small) button.append(make("small", "", small));
  button.addEventListener("click", () => {
    closeSheet();
    chosen();
  });
  return button;
}

function list(...rows) {
  const element = make("div", "sheet-list");
  element.append(...rows);
  return element;
}

export const SHEETS = {
  picture(send) {
    const grid = make("div", "pictures");
    for (const [file, name] of PICTURES) {
      const button = make("button", "", "");
      const image = make("img");
      const url = new URL(`/static/pictures/${file}.png`, location.href).href;
      Object.assign(image, { src: url, alt: "", width: 110, height: 110 });
      button.type = "button";
      button.append(image, name);
      button.addEventListener("click", () => {
        closeSheet();
        send({ action: "picture", url });
      });
      grid.append(button);
    }
    openSheet("选一张图片", list(grid));
  },
  voice(send) {
    openSheet("说一段语音", form("发送语音", [
      field("说了什么（微信听出来的字；留空就是没听清）", "recognition", { long: true, required: false, hint: "例如：高温津贴怎么领" }),
    ], ({ recognition }) => send({ action: "voice", recognition: recognition.trim() })));
  },
  location(send) {
    openSheet("发送位置", list(...PLACES.map(([label, x, y]) =>
      choice(label, `北纬 ${x}° 东经 ${y}°（大致）`, () => send({ action: "location", x, y, label })))));
  },
  scan(send, isResult = false) {
    const label = isResult ? "码里写着什么" : "二维码的场景值（印海报时定的名字）";
    openSheet("扫一扫", form("扫码", [field(label, "scene", { max: 64, hint: isResult ? "" : "例如：poster-1" })],
      ({ scene }) => send({ action: "scan", scene: scene.trim() })));
  },
  link(send) {
    openSheet("分享一个链接", form("发送链接", [
      field("标题", "label", { hint: "例如：一篇好文章" }),
      field("网址", "url", { type: "url", hint: "https://", max: 500 }),
    ], ({ label, url }) => send({ action: "link", url, label, text: label })));
  },
};

export function confirmSheet(title, words, button, done) {
  const yes = make("button", "green wide", button);
  const no = make("button", "white wide", "再想想");
  yes.type = no.type = "button";
  yes.addEventListener("click", () => {
    closeSheet();
    done();
  });
  no.addEventListener("click", closeSheet);
  openSheet(title, make("p", "", words), list(yes, no));
}

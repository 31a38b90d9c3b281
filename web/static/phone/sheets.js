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

const SCENES = [
  ["guide:join", "“怎样加入工会”海报"],
  ["HOTLINE", "服务大厅的 12351 桌牌"],
];
const MOST_PX = 1080;

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

/** A picture as base64 of a JPEG that is no larger than a phone would send. */
async function shrunk(source) {
  const bitmap = await createImageBitmap(await source);
  const scale = Math.min(1, MOST_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = make("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff"; // JPEG knows no transparency
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.8).split(",")[1];
}

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
  picture(send, problem) {
    const grid = make("div", "pictures");
    const sendFrom = async (source) => {
      closeSheet();
      const data = await shrunk(source).catch(() => "");
      if (data) send({ action: "picture", data });
      else problem("这张图片打不开，请换一张");
    };
    for (const [file, name] of PICTURES) {
      const button = make("button");
      const image = make("img");
      const url = `/static/pictures/${file}.png`;
      Object.assign(image, { src: url, alt: "", width: 110, height: 110 });
      button.type = "button";
      button.append(image, name);
      button.addEventListener("click", () => sendFrom(fetch(url).then((answer) => answer.blob())));
      grid.append(button);
    }
    const own = make("label", "choice own", "从这台设备里选一张");
    const file = make("input", "sr");
    Object.assign(file, { type: "file", accept: "image/*" });
    file.addEventListener("change", () => file.files.length && sendFrom(file.files[0]));
    own.append(file);
    openSheet("发送图片", list(grid, own));
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
  scan(send) {
    const known = SCENES.map(([scene, title]) => choice(title, `场景值 ${scene}`, () => send({ action: "scan", scene })));
    const other = form("扫码", [field("别的二维码，写上它的场景值", "scene", { max: 64, hint: "例如：poster-1" })],
      ({ scene }) => send({ action: "scan", scene: scene.trim() }));
    openSheet("扫一扫", list(...known, other));
  },
  link(send) {
    openSheet("分享一个链接", form("发送链接", [
      field("标题", "label", { hint: "例如：一篇好文章" }),
      field("网址", "url", { type: "url", hint: "https://", max: 500 }),
    ], ({ label, url }) => send({ action: "link", url, label })));
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

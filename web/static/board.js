// Keeps the demonstration's page fresh, and moves its clock.

const REFRESH_MS = 1500;
const PIECES = ["alarms", "next", "year", "said", "sent"];
const seen = {};
const moved = document.getElementById("moved");
let isMoving = false;

function openRows(element) {
  return [...element.querySelectorAll("details[open]")].map((row) => row.id);
}

function swap(name, html) {
  if (seen[name] === html) return;
  const element = document.getElementById(`board-${name}`);
  const isFirst = seen[name] === undefined;
  seen[name] = html;
  const hadFocus = element.contains(document.activeElement) ? document.activeElement.id : "";
  const open = openRows(element);
  element.innerHTML = html; // our own template, escaped on the server
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (hadFocus) document.getElementById(hadFocus)?.focus({ preventScroll: true });
  if (name === "next") wire();
  if (name === "year") toNext(isFirst ? "instant" : "smooth");
}

function toNext(behavior) {
  const list = document.getElementById("board-year");
  const line = list.querySelector(".is-next");
  if (line) list.scrollTo({ top: line.offsetTop - list.offsetTop - list.clientHeight / 3, behavior });
}

async function refresh() {
  const answer = await fetch("/phone/api/board", { cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (!answer.ok) return;
  const board = await answer.json();
  document.getElementById("board-now").textContent = board.now;
  for (const name of PIECES) swap(name, board[name]);
}

function tell(words, state) {
  moved.textContent = words;
  moved.className = `moved ${state}`;
}

async function move() {
  if (isMoving) return;
  isMoving = true;
  const button = document.getElementById("move-clock");
  button.disabled = true;
  tell("正在拨时间…", "is-waiting");
  try {
    const answer = await fetch("/phone/api/clock", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: "{}", signal: AbortSignal.timeout(20000),
    });
    if (!answer.ok) throw new Error();
    const { moved_to: to } = await answer.json();
    if (to) tell("时间拨好了，看手机：推送几秒钟就到。", "is-done");
    else tell("后面没有推送了。", "is-waiting");
    await refresh();
  } catch {
    tell("没有拨成，请再按一次。", "is-wrong");
  } finally {
    isMoving = false;
    const now = document.getElementById("move-clock");
    if (now) now.disabled = false;
  }
}

function wire() {
  document.getElementById("move-clock")?.addEventListener("click", move);
}

async function run() {
  for (;;) {
    await refresh().catch(() => {});
    await new Promise((done) => setTimeout(done, document.hidden ? 10000 : REFRESH_MS));
  }
}

wire();
toNext("instant");
run();

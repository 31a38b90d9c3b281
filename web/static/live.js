// Brings what is new to a live record's page while somebody looks at it; without it the link above does the same.
const fresh = document.getElementById("fresh");
const live = document.getElementById("live");
const EVERY_MS = 10000;
let mark = "";
async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(fresh.dataset.from, { headers: mark ? { "If-None-Match": mark } : {} });
    if (answer.status !== 200) return;
    const text = await answer.text();
    if (mark && !live.contains(document.activeElement)) {
      live.innerHTML = text;
      fresh.textContent = "刚刚有新的。";
    }
    mark = answer.headers.get("ETag") || "";
  } catch {
    fresh.textContent = "网络断了，连上以后自己接着更新。";
    mark = mark && "again";
  }
}
if (fresh && fresh.dataset.from) {
  fresh.textContent = "这一页自己更新。";
  look();
  setInterval(look, EVERY_MS);
}

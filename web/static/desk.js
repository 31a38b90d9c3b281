// Keys of the desk: / looks for something, j and k go down and up a list. Everything is a plain link or form without them.
const typing = () => ["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement?.tagName);
document.addEventListener("keydown", (event) => {
  if (typing() || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const find = document.querySelector("#find");
    if (find) { find.focus(); event.preventDefault(); }
    return;
  }
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const links = [...document.querySelectorAll("main td a, main .cards a")];
  const here = links.indexOf(document.activeElement);
  links[Math.min(Math.max(here + step, 0), links.length - 1)]?.focus();
});

// A push that goes out is looked at every two seconds, as long as its page is in sight.
const look = async () => {
  const shown = document.querySelector("#progress[data-moves]");
  if (!shown) return;
  if (!document.hidden) {
    const answer = await fetch(shown.dataset.moves, { credentials: "same-origin" }).catch(() => null);
    if (answer?.ok && !answer.redirected) {
      const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#progress");
      if (part) shown.replaceWith(part);
      if (part && !part.dataset.moves) location.reload();
    }
  }
  setTimeout(look, 2000);
};
setTimeout(look, 2000);

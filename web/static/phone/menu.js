// The account's menu at the bottom of the talk: three buttons, each with up to five below it.

import { icon, make } from "./words.js";

let opened = null;

export function closeMenu() {
  if (!opened) return false;
  opened.pop.hidden = true;
  opened.button.setAttribute("aria-expanded", "false");
  const button = opened.button;
  opened = null;
  button.focus({ preventScroll: true });
  return true;
}

function openMenu(button, pop) {
  closeMenu();
  pop.hidden = false;
  button.setAttribute("aria-expanded", "true");
  opened = { button, pop };
}

/** Up and Down walk through an open sub-menu. */
function walk(event, pop, button) {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  event.preventDefault();
  if (pop.hidden) openMenu(button, pop);
  const items = [...pop.querySelectorAll("button")];
  const step = event.key === "ArrowDown" ? 1 : -1;
  const at = items.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : (at + step + items.length) % items.length;
  items[next].focus();
}

function subMenu(button, entry, i, tap) {
  const pop = make("ul", "menu-pop");
  pop.hidden = true;
  pop.id = `menu-pop-${i}`;
  entry.sub_button.forEach((sub, j) => {
    const line = make("li");
    const item = make("button", "", sub.name);
    item.type = "button";
    item.addEventListener("click", () => {
      closeMenu();
      tap(sub, [i, j]);
    });
    line.append(item);
    pop.append(line);
  });
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", pop.id);
  button.setAttribute("aria-haspopup", "true");
  button.addEventListener("click", () => (pop.hidden ? openMenu(button, pop) : closeMenu()));
  return pop;
}

/** Draws the menu into `nav`; `tap(button, path)` hears what was chosen. */
export function drawMenu(nav, buttons, tap) {
  closeMenu();
  nav.replaceChildren();
  buttons.forEach((entry, i) => {
    const slot = make("div", "menu-slot");
    const button = make("button");
    button.type = "button";
    const hasMore = Array.isArray(entry.sub_button) && entry.sub_button.length > 0;
    if (hasMore) button.append(icon("lines"));
    button.append(make("span", "", entry.name));
    slot.append(button);
    if (hasMore) {
      const pop = subMenu(button, entry, i, tap);
      slot.append(pop);
      slot.addEventListener("keydown", (event) => walk(event, pop, button));
    } else button.addEventListener("click", () => tap(entry, [i]));
    nav.append(slot);
  });
}

document.addEventListener("click", (event) => {
  if (opened && !event.target.closest(".menu-slot")) closeMenu();
});

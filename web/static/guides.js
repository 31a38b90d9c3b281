// The search box over the service directory: what does not fit is hidden, and what fits alone is opened.

const box = document.getElementById("search");
const input = document.getElementById("search-words");
const found = document.getElementById("search-found");
const guides = [...document.querySelectorAll(".guide")].map((element) => ({
  element,
  text: `${element.dataset.words} ${element.textContent}`.toLowerCase(),
}));

function filter() {
  const wanted = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { element, text } of guides) {
    element.hidden = !wanted.every((word) => text.includes(word));
    if (element.hidden || !wanted.length) element.open = false;
    count += !element.hidden;
  }
  for (const section of document.querySelectorAll("[data-section]")) {
    section.classList.toggle("searching", wanted.length > 0);
    section.hidden = !section.querySelector(".guide:not([hidden])");
  }
  if (wanted.length && count === 1) document.querySelector(".guide:not([hidden])").open = true;
  found.textContent = !wanted.length ? "" : count ? `找到 ${count} 项` : "没有找到。换个说法试试，或者拨 12351 问一问。";
}

if (guides.length) {
  box.hidden = false;
  input.addEventListener("input", filter);
  if (input.value) filter();
}

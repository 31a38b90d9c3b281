// Finds candidates while one types; without it the button does the same. Who is chosen stays in sight.
const find = document.getElementById("find");
const cards = [...document.querySelectorAll(".grid li")];
if (find && !find.value) {
  const narrow = () => {
    const words = find.value.trim();
    for (const card of cards) {
      const number = card.id.slice(1);
      const fits = /^\d+$/.test(words) ? number === words : card.dataset.find.includes(words);
      card.hidden = words !== "" && !fits && !card.querySelector("input:checked");
    }
  };
  find.addEventListener("input", narrow);
  find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  find.nextElementSibling.hidden = true;
}

// The sheet of packs on a phone: the chosen pack's price and stock are shown. Everything is in the
// page already; this only uncovers it.

function choose(form, radio) {
  for (const part of form.querySelectorAll("[data-pack]")) {
    part.hidden = part.dataset.pack !== radio.value;
  }
  const quantity = form.querySelector("input[name=quantity]");
  if (!quantity) return;
  quantity.max = String(Math.min(200, Number(radio.dataset.most)));
  if (Number(quantity.value) > Number(quantity.max)) quantity.value = quantity.max;
}

document.addEventListener("change", (event) => {
  const radio = event.target;
  if (!(radio instanceof HTMLInputElement) || radio.name !== "sku") return;
  const form = radio.closest("form[data-packs]");
  if (form) choose(form, radio);
});

// Whoever opens the sheet has already said how many and what for.
for (const opener of document.querySelectorAll("[data-open=sheet]")) {
  opener.addEventListener("click", () => {
    const typed = document.getElementById("quantity");
    const there = document.getElementById("sheet-quantity");
    if (typed && there) there.value = typed.value;
  });
}

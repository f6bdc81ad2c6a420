// The live hint beside packs: how many the material used fills at most. The same sentence stands
// there without a script, counted for what lies at the place.

function amount(text) {
  const number = Number(String(text).trim().replaceAll(",", ""));
  return Number.isFinite(number) && number > 0 ? number : 0;
}

function hints(form) {
  const used = form.querySelector("[name=quantity]");
  if (!used) return;
  const packs = [...form.querySelectorAll("[data-pack]")];
  const factor = Number(form.dataset.factor);
  const room = (amount(used.value) * factor * Number(form.dataset.percent)) / 100;
  const size = (pack) => Number(pack.dataset.pack);
  for (const pack of packs) {
    const hint = document.getElementById(`${pack.id}-hint`);
    if (!hint || !size(pack)) continue;
    let left = room;
    for (const other of packs) if (other !== pack) left -= amount(other.value) * size(other);
    const most = Math.max(0, Math.floor(left / size(pack) + 1e-9));
    const words = { used: `${used.value} ${form.dataset.unit}`, most: most.toLocaleString("en"), spec: pack.dataset.spec };
    hint.textContent = form.dataset.most.replace(/\{(\w+)\}/g, (_, name) => words[name]);
  }
}

for (const form of document.querySelectorAll("[data-step-form]")) {
  form.addEventListener("input", () => hints(form));
  hints(form);
}

// Printing labels: how far a file is, and what the chosen label looks like. Without a script the page
// asks anew by itself, and every layout has its picture in the list below the form.

const PAUSE = 1000;

function watch(box) {
  const bar = box.querySelector("progress");
  const said = box.querySelector("[role=status]");
  const number = (value) => value.toLocaleString("en");
  async function look() {
    try {
      const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const { state, made, total } = await answer.json();
        bar.value = made;
        const words = { made: number(made), total: number(total) };
        const text = box.dataset.words.replace(/\{(\w+)\}/g, (_, name) => words[name]);
        if (said.textContent !== text) said.textContent = text;
        if (state !== box.dataset.state) {
          location.reload();
          return;
        }
      }
    } catch {
      // no network for a moment: the next look tells
    }
    setTimeout(look, PAUSE);
  }
  look();
}

function preview(choice) {
  const picture = choice.form.querySelector("[data-preview]");
  if (!picture) return;
  choice.addEventListener("change", () => {
    const address = new URL(picture.dataset.preview, location.href);
    address.searchParams.set("layout", choice.value);
    picture.src = address.href;
  });
}

for (const box of document.querySelectorAll("[data-progress]")) watch(box);
for (const choice of document.querySelectorAll("[data-layouts]")) preview(choice);

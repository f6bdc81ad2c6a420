// Goods in: every scanned case is received at once.

const page = document.querySelector("[data-receive]");
const { ask, field, listen, refocus, say, show, way } = await import(page.dataset.common);
const button = page.querySelector(".typed");

async function onCode(text) {
  button.hidden = true;
  const { status, body } = await ask(page.dataset.receive, { code: text });
  if (status !== 200) {
    const sentence = status === 401 ? say("signed_out") : body.message;
    show({ answer: "ask", title: say("broken_title"), say: sentence, about: [], next: "" });
    return;
  }
  show(body, body.choices.map((choice) => way(choice.label, choice)));
  if (body.item) mark(body.item.sscc);
  refocus();
}

function mark(sscc) {
  const row = document.querySelector(`[data-case="${sscc}"]`);
  if (!row) return;
  row.querySelector("[data-came]").hidden = false;
  row.querySelector("[data-waiting]")?.remove();
}

field.addEventListener("input", () => {
  button.hidden = field.value.trim() === "";
});
listen(document.getElementById("till"), onCode);
document.documentElement.dataset.ready = "receive";

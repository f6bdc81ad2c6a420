// Small comforts on top of pages that work without them: steppers, sheets, copying, one press per
// form, menus that close. Everything is found by data attributes; nothing is built here.

// Quantity stepper: <div class="qty"><button data-step="-1">…<input>…<button data-step="1">
function step(button) {
  const input = button.closest(".qty")?.querySelector("input");
  if (!input) return;
  const least = input.min === "" ? 1 : Number(input.min);
  const most = input.max === "" ? Infinity : Number(input.max);
  const now = Number.parseInt(input.value, 10);
  const next = (Number.isNaN(now) ? least : now) + Number(button.dataset.step);
  input.value = String(Math.min(most, Math.max(least, next)));
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function openSheet(opener, event) {
  const sheet = document.getElementById(opener.dataset.open);
  if (!(sheet instanceof HTMLDialogElement) || !sheet.showModal) return;
  event.preventDefault(); // an opener may be a link to the same choice without a script
  if (!sheet.open) sheet.showModal();
}

async function copy(button) {
  const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
  const text = source ? (source.value ?? source.textContent).trim() : button.dataset.copy;
  const said = button.querySelector("[data-said]");
  try {
    await navigator.clipboard.writeText(text);
    if (said) said.hidden = false;
  } catch {
    // no permission: leave the text selected so that it can be copied by hand
    if (source) getSelection()?.selectAllChildren(source);
  }
}

document.addEventListener("click", (event) => {
  const target = event.target;
  if (!(target instanceof Element)) return;
  const stepper = target.closest("[data-step]");
  if (stepper) step(stepper);
  const opener = target.closest("[data-open]");
  if (opener) openSheet(opener, event);
  const closer = target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  const copier = target.closest("[data-copy],[data-copy-from]");
  if (copier) copy(copier);
  if (target.closest("[data-print]")) print();
  if (target instanceof HTMLDialogElement) {
    // A press outside the sheet lands on the dialog itself.
    const box = target.getBoundingClientRect();
    const inside =
      event.clientX >= box.left &&
      event.clientX <= box.right &&
      event.clientY >= box.top &&
      event.clientY <= box.bottom;
    if (!inside) target.close();
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});

// One press per form. The pressed button keeps its name and value, because it is disabled only
// after the browser has gathered the form's fields.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-again")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => {
    for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = true;
    const pressed = event.submitter;
    if (pressed) {
      pressed.setAttribute("aria-busy", "true");
      const busy = pressed.dataset.busy;
      if (busy) pressed.textContent = busy;
    }
  });
});

// Coming back by the browser's arrow: the page is as it was left, with its buttons asleep.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[disabled]")) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  }
});

// Filters answer to a choice at once; without a script their button does it.
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-auto]");
  if (form) form.requestSubmit();
});

// The first field that was refused gets the focus, and so the eye.
document.querySelector("form [aria-invalid=true]")?.focus();
// Parts that only work with a script appear with it.
for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;

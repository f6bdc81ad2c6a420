// What the pages with a scan field share: asking the server, showing the answer, camera and gun.
// Texts come from the page; nothing is said here.

const page = document.querySelector("[data-wedge]");
const words = JSON.parse(document.querySelector("[data-words]").textContent);
const { listenForWedge } = await import(page.dataset.wedge);
const { signal, wakeSound } = await import(page.dataset.signal);

export const field = document.getElementById("scan");
/** A till PC has a mouse and keeps the focus in the field; on a phone that would raise the keyboard. */
const keepsFocus = matchMedia("(pointer: fine)").matches;
const PATIENCE_MS = 10_000;

/** Give a sentence of the page with its %(parameters)s filled in. */
export function say(name, parts = {}) {
  return (words[name] ?? name).replace(/%\((\w+)\)s/g, (_all, key) => parts[key] ?? "");
}

/** Write fen as yuan: 6800 becomes 68.00. */
export function yuan(fen) {
  const [whole, rest] = [Math.floor(fen / 100), fen % 100];
  return `${whole.toLocaleString("en-US")}.${String(rest).padStart(2, "0")}`;
}

/** No answer came: the network, or a server that stumbled. */
export class Unreachable extends Error {}

/**
 * Ask the server; give {status, body}. Throws Unreachable when no usable answer came.
 * @param {string} url
 * @param {object} [send] posted as JSON when given
 */
export async function ask(url, send) {
  const headers = { Accept: "application/json" };
  const options = { headers, credentials: "same-origin" };
  if (send !== undefined) {
    options.method = "POST";
    headers["Content-Type"] = "application/json";
    headers["X-CSRFToken"] = page.dataset.csrf;
    options.body = JSON.stringify(send);
  }
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const response = await fetch(url, { ...options, signal: abort.signal });
    const body = await response.json();
    if (response.status >= 500 || response.status === 429) throw new Unreachable(body.message);
    if (body.error === "csrf" && freshPage()) throw new Unreachable(body.message);
    return { status: response.status, body };
  } catch (error) {
    throw error instanceof Unreachable ? error : new Unreachable(String(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Signing in elsewhere makes this page's token stale: get a new one, once. */
function freshPage() {
  const last = Number(sessionStorage.getItem("till:reloaded") ?? 0);
  if (Date.now() - last < 15_000) return false;
  sessionStorage.setItem("till:reloaded", String(Date.now()));
  location.reload();
  return true;
}

const statusBox = document.querySelector("[data-status]");
const alertBox = document.querySelector("[data-alert]");
const idle = document.querySelector("[data-idle]");

/**
 * Show one answer on its colour, with sound and shake.
 * @param {{answer: string, title: string, say: string, about: string[], next: string}} answer
 * @param {HTMLElement[]} [buttons]
 */
export function show(answer, buttons = []) {
  const template = document.querySelector(`[data-panel="${answer.answer}"]`);
  const panel = template.content.firstElementChild.cloneNode(true);
  const put = (name, text) => {
    const spot = panel.querySelector(`[data-${name}]`);
    spot.textContent = text;
    spot.hidden = text === "";
  };
  put("title", answer.title);
  put("say", answer.say);
  put("next", answer.next);
  const about = panel.querySelector("[data-about]");
  const lines = answer.about.filter(Boolean);
  about.hidden = lines.length === 0;
  about.replaceChildren(...lines.flatMap((line, n) => (n ? [document.createElement("br"), line] : [line])));
  panel.querySelector("[data-choices]").replaceChildren(...buttons);
  const stop = answer.answer === "stop";
  (stop ? statusBox : alertBox).replaceChildren();
  (stop ? alertBox : statusBox).replaceChildren(panel);
  if (idle) idle.hidden = true;
  signal(answer.answer === "ask" ? "slow" : answer.answer);
  tellCamera(answer);
}

/** A button or link of an answer. */
export function way(label, { note, href, press, disabled = false } = {}) {
  const made = document.createElement(href ? "a" : "button");
  made.className = "btn big";
  if (href) made.href = href;
  else made.type = "button";
  if (disabled) made.disabled = true;
  const text = document.createElement("span");
  text.textContent = label;
  if (note) {
    const small = document.createElement("small");
    small.textContent = note;
    text.append(small);
  }
  made.append(text);
  if (press) made.addEventListener("click", press);
  return made;
}

const recalls = document.querySelector("[data-recalls]")?.dataset.recalls;
const known = recalls ? await import(recalls) : null;

/** Say that there is no network; a code that this device's list knows as recalled is stopped. */
export function showOffline(text = "") {
  const stop = known?.recalledOffline(text);
  if (stop) {
    show(stop);
    return;
  }
  show({
    answer: "ask",
    title: say("offline_title"),
    say: say("offline_say"),
    about: [],
    next: say("offline_next"),
  });
}

export function refocus() {
  if (keepsFocus && !document.querySelector("dialog[open]")) field.focus();
}

/** Call `onCode(text)` for typed, shot and filmed codes, one after the other. */
export function listen(form, onCode) {
  let turn = Promise.resolve();
  const take = (text) => {
    const clean = text.trim();
    if (clean === "") return turn;
    const answered = turn.then(() => onCode(clean)).catch((error) => {
      if (!(error instanceof Unreachable)) throw error;
      showOffline(clean);
    });
    turn = answered.catch(() => {}); // one code that went wrong does not hold up the next
    return answered;
  };
  form.addEventListener("submit", (event) => {
    if (event.submitter?.dataset.pay !== undefined) return;
    event.preventDefault();
    const text = field.value;
    field.value = "";
    take(text);
  });
  listenForWedge(document, (text) => {
    if (document.querySelector("dialog[open]:not(#camera)")) return;
    take(text);
  }, { field });
  document.addEventListener("pointerdown", () => wakeSound(), { once: true, passive: true });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("input, select, textarea, dialog, summary")) refocus();
  });
  initCamera(take);
  refocus();
  return take;
}

// --- camera ---

const sheet = document.getElementById("camera");
const said = sheet?.querySelector("[data-camera-said]");

function tellCamera(answer) {
  if (!sheet?.open) return;
  said.hidden = false;
  said.className = `note ${{ go: "", slow: "expiry", stop: "recall", ask: "unsure" }[answer.answer]}`;
  said.textContent = [answer.title, answer.say || answer.about[0], answer.next].filter(Boolean).join(" ");
  if (answer.answer !== "go") sheet.close(); // the clerk must look at it or press something
}

function initCamera(take) {
  if (!sheet) return;
  const wrong = sheet.querySelector("[data-camera-error]");
  let abort = null;

  async function start() {
    wrong.hidden = said.hidden = true;
    abort = new AbortController();
    try {
      const { openScanner } = await import(page.dataset.scan);
      await openScanner(sheet.querySelector("[data-video]"), {
        onCode: (text) => take(text),
        onError: complain,
        torchButton: sheet.querySelector("[data-torch]"),
        continuous: true,
        abort: abort.signal,
        detectorUrl: new URL(page.dataset.detector, location.href).href,
        wasmUrl: new URL(page.dataset.wasm, location.href).href,
      });
    } catch (error) {
      complain(error);
    }
  }

  function complain(error) {
    if (error.code === "closed") return;
    wrong.textContent = say(error.code ?? "reader_unavailable");
    wrong.hidden = false;
  }

  document.querySelector("[data-open=camera]").addEventListener("click", start);
  sheet.addEventListener("close", () => {
    abort?.abort();
    abort = null;
    refocus();
  });
}

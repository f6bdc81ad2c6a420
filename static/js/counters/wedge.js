// A gun scanner is a keyboard: it types the code much faster than a person and then presses Enter.
// We listen wherever the focus is. Single keys are never swallowed; only when a burst turns out to
// be a code is the Enter taken away and what fell into a foreign field put back.

const GAP_MS = 100; // between two keys of one burst, at most: a busy old till stalls now and then
const MEAN_MS = 40; // over the burst; scanners need 1 to 15, a quick typist 80
const SHORTEST = 6; // characters

// Keys as scanners press them (US layout), for when a Chinese input method hides the characters
const MARKS = {
  Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|",
  Semicolon: ";:", Quote: "'\"", Comma: ",<", Period: ".>", Slash: "/?", Backquote: "`~",
  Space: "  ", NumpadDivide: "//", NumpadMultiply: "**", NumpadSubtract: "--",
  NumpadAdd: "++", NumpadDecimal: "..",
};
const OVER_DIGITS = ")!@#$%^&*(";

/**
 * Call `onCode(text, {source: "wedge"})` for every code that a gun scanner types.
 *
 * @param {Document} doc
 * @param {(text: string, how: {source: "wedge"}) => void} onCode
 * @param {object} [options]
 * @param {HTMLInputElement} [options.field] the scan field; it is emptied after a code. Slow typing
 *   in it is the page's own business, through its form.
 * @returns {{stop: () => void}}
 */
export function listenForWedge(doc, onCode, { field } = {}) {
  let burst = null; // {text, on, first, last, target, value, from, to}
  let endedAt = -Infinity;

  function begin(event) {
    const target = event.target;
    const typed = isTextField(target);
    burst = {
      text: "",
      on: event.target,
      first: event.timeStamp,
      last: event.timeStamp,
      target: typed ? target : null,
      value: typed ? target.value : "",
      from: typed ? target.selectionStart : null,
      to: typed ? target.selectionEnd : null,
    };
  }

  function finish(event) {
    const done = burst;
    burst = null;
    if (!done || done.text.length < SHORTEST) return;
    if (event.timeStamp - done.last > GAP_MS) return;
    if ((event.timeStamp - done.first) / done.text.length > MEAN_MS) return;
    event.preventDefault(); // no form is sent, no button pressed
    event.stopPropagation();
    endedAt = event.timeStamp;
    if (done.target) putBack(done, done.target === field ? "" : done.value);
    onCode(done.text, { source: "wedge" });
  }

  function onKey(event) {
    if (event.repeat) return;
    if (event.code === "Enter" || event.code === "NumpadEnter" || event.key === "Enter") {
      finish(event);
      return;
    }
    const control = event.ctrlKey && !event.altKey && !event.metaKey;
    const inBurst = burst !== null && event.timeStamp - burst.last <= GAP_MS;
    // Many scanners end with Enter and Ctrl+J, which would open the browser's downloads
    if (control && event.code === "KeyJ" && event.timeStamp - endedAt < 250) {
      event.preventDefault();
      return;
    }
    // FNC1 comes as Ctrl+]
    const separator = control && event.code === "BracketRight";
    if (separator && inBurst) event.preventDefault();
    const char = separator ? "\u001d" : character(event);
    if (char === null) {
      if (!isModifier(event)) burst = null;
      return;
    }
    if (!inBurst || burst.on !== event.target) begin(event);
    burst.text += char;
    burst.last = event.timeStamp;
  }

  doc.addEventListener("keydown", onKey, { capture: true });
  return { stop: () => doc.removeEventListener("keydown", onKey, { capture: true }) };
}

function character(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  if (event.key.length === 1 && !event.isComposing) return event.key;
  if (!event.isComposing && event.key !== "Process" && event.key !== "Unidentified") return null;
  const shift = event.shiftKey ? 1 : 0;
  const letter = /^Key([A-Z])$/.exec(event.code);
  const capital = event.shiftKey !== event.getModifierState("CapsLock");
  if (letter) return capital ? letter[1] : letter[1].toLowerCase();
  const digit = /^Digit(\d)$/.exec(event.code);
  if (digit) return shift ? OVER_DIGITS[Number(digit[1])] : digit[1];
  const pad = /^Numpad(\d)$/.exec(event.code);
  if (pad) return pad[1];
  return MARKS[event.code]?.[shift] ?? null;
}

function isModifier(event) {
  return ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock"].includes(event.key);
}

function isTextField(target) {
  if (target instanceof HTMLTextAreaElement) return !target.readOnly;
  if (!(target instanceof HTMLInputElement) || target.readOnly) return false;
  return /^(text|search|tel|url|email|password|number)$/.test(target.type);
}

function putBack({ target, from, to }, value) {
  target.value = value;
  if (from !== null && value !== "") target.setSelectionRange(from, to);
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

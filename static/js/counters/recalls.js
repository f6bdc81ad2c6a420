// The recall list of this device: fetched on every contact, kept for when there is no network, its
// age always shown. Texts come from the page.

const place = document.querySelector("[data-recall-list]");
const shown = document.querySelector("[data-recall-age]");
const words = JSON.parse(document.querySelector("[data-words]")?.textContent ?? "{}");
const STORE = "till:recalls";
const EVERY_MS = 60_000;
const OLD_MS = 5 * 60_000;

function say(name, parts = {}) {
  return (words[name] ?? name).replace(/%\((\w+)\)s/g, (_all, key) => parts[key] ?? "");
}

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(STORE));
    return Array.isArray(found?.list?.goods) ? found : null;
  } catch {
    return null;
  }
}

function keep(found) {
  try {
    localStorage.setItem(STORE, JSON.stringify(found));
  } catch {
    // a full or forbidden store: the list lives on the server only
  }
}

/** Ask for the list; what has not changed costs one empty answer. */
export async function refresh() {
  const had = kept();
  const headers = { Accept: "application/json" };
  if (had?.etag) headers["If-None-Match"] = had.etag;
  try {
    const answer = await fetch(place.dataset.recallList, { headers, credentials: "same-origin" });
    if (answer.status === 304 && had) keep({ ...had, at: Date.now() });
    else if (answer.ok)
      keep({ etag: answer.headers.get("ETag"), at: Date.now(), list: await answer.json() });
  } catch {
    // no network: the age says so
  }
  draw();
}

function draw() {
  const found = kept();
  if (!shown) return;
  if (!found) {
    shown.textContent = say("list_none");
    return;
  }
  const age = Date.now() - found.at;
  const time = new Date(found.at).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" });
  const minutes = Math.floor(age / 60_000);
  shown.textContent = say(age > OLD_MS ? "list_old" : "list_fresh", { time, minutes });
  shown.classList.toggle("warned", age > OLD_MS);
}

/** Give the answer for a code that the list knows as recalled; null for any other. */
export function recalledOffline(text) {
  const part = (id) => decoded(text.match(new RegExp(`(?:/${id}/|\\(${id}\\))([^/?(]+)`))?.[1]);
  const gtin = part("01")?.padStart(14, "0");
  const [lot, serial] = [part("10"), part("21")];
  const line = kept()?.list.goods.find(
    (each) =>
      each.gtin.padStart(14, "0") === gtin &&
      (each.serial === null ? ofLot(each.lot, lot, serial) : each.serial === serial),
  );
  if (!line) return null;
  const reason = document.documentElement.lang.startsWith("en") ? line.reason_en : line.reason_zh;
  return {
    answer: "stop",
    title: say("recalled_title"),
    say: say("recalled_say", { reason }),
    about: [line.lot, line.recall],
    next: say("recalled_next"),
  };
}

// A serial of ours is its lot's last 13 characters and a running number of six digits.
function ofLot(recalled, lot, serial) {
  if (lot !== undefined) return lot === recalled;
  const stem = recalled.slice(-13);
  return serial?.startsWith(stem) === true && /^\d{6}$/.test(serial.slice(stem.length));
}

function decoded(text) {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}

if (place) {
  draw();
  refresh();
  setInterval(refresh, EVERY_MS);
  addEventListener("online", refresh);
}

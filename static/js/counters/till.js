// The till: the basket lives on this device, a sale's key is made here, and a sale that could not
// be sent stays until the server has said yes or no to that very key.

const page = document.querySelector("[data-till]");
const { ask, field, listen, refocus, say, show, showOffline, Unreachable, way, yuan } = await import(
  page.dataset.common
);
const find = (name) => document.querySelector(`[data-${name}]`);

// --- the basket on this device ---

const STORE = `till:${page.dataset.till}`;
const SENT = ["gtin", "serial", "lot", "quantity", "price_fen", "price_version", "certainty"];
let basket = load(STORE); // {items, unsent}: unsent is the ticket that got no answer yet

function load(name) {
  try {
    const kept = JSON.parse(localStorage.getItem(name));
    if (Array.isArray(kept?.items)) return { items: kept.items, unsent: kept.unsent ?? null };
  } catch {
    // unreadable or forbidden: begin with an empty basket
  }
  return { items: [], unsent: null };
}

function keep() {
  try {
    localStorage.setItem(STORE, JSON.stringify(basket));
  } catch {
    // a full or forbidden store: the basket lives as long as the page
  }
  draw();
}

const total = () => basket.items.reduce((sum, item) => sum + item.quantity * item.price_fen, 0);
const pieces = () => basket.items.reduce((sum, item) => sum + item.quantity, 0);

/** Add one; false when this very pack is on the sale already. */
function add(item) {
  const same = basket.items.find(
    (each) =>
      each.gtin === item.gtin &&
      each.serial === item.serial &&
      (item.serial !== null ||
        (each.lot === item.lot &&
          each.certainty === item.certainty &&
          each.price_fen === item.price_fen)),
  );
  if (same && item.serial !== null) return false;
  if (same) same.quantity = Math.min(9999, same.quantity + 1);
  else basket.items.push({ ...item });
  clearRefusal();
  keep();
  return true;
}

// --- drawing ---

const lines = find("lines");
const lineTemplate = find("line");

function draw() {
  lines.replaceChildren(...basket.items.map(drawLine));
  const count = pieces();
  find("count").textContent = count ? say("items", { count }) : say("empty");
  find("none").hidden = count > 0;
  const [whole, rest] = yuan(total()).split(".");
  const price = find("total");
  price.replaceChildren(small("¥"), whole, small(`.${rest}`));
  find("pay").disabled = count === 0 || basket.unsent !== null;
  find("clear").hidden = find("park").hidden = count === 0 || basket.unsent !== null;
  find("parked").hidden = parked() === null || count > 0;
  find("unsent").hidden = basket.unsent === null;
  if (basket.unsent) find("unsent-text").textContent = say("unsent");
}

function small(text) {
  const made = document.createElement("i");
  made.textContent = text;
  return made;
}

function drawLine(item, position) {
  const row = lineTemplate.content.firstElementChild.cloneNode(true);
  const spot = (name) => row.querySelector(`[data-${name}]`);
  spot("name").textContent = item.name;
  spot("spec").textContent = item.spec;
  spot("price").textContent = `¥${yuan(item.price_fen)}`;
  spot("lot").textContent = item.lot ?? "";
  spot("serial").textContent = item.serial ? say("serial", { serial: item.serial }) : "";
  const single = item.serial !== null;
  spot("one").hidden = !single;
  spot("qty").hidden = single;
  const short = !single && item.quantity > item.free;
  spot("short").hidden = !short;
  spot("short").textContent = short ? say("short", { free: Math.max(0, item.free) }) : "";
  if (item.error) {
    spot("error").textContent = item.error;
    spot("error").hidden = false;
    row.classList.add("wrong");
  }
  const locked = basket.unsent !== null;
  const amount = spot("quantity");
  amount.value = item.quantity;
  amount.disabled = spot("less").disabled = spot("more").disabled = locked;
  amount.setAttribute("aria-label", say("amount", { name: item.name }));
  spot("qty").setAttribute("aria-label", say("amount", { name: item.name }));
  const set = (quantity) => {
    if (Number.isInteger(quantity) && quantity >= 1 && quantity <= 9999) item.quantity = quantity;
    keep();
  };
  spot("less").addEventListener("click", () => set(item.quantity - 1));
  spot("more").addEventListener("click", () => set(item.quantity + 1));
  amount.addEventListener("change", () => set(Number(amount.value)));
  const drop = spot("remove");
  drop.disabled = locked;
  drop.setAttribute("aria-label", say("remove", { name: item.name }));
  drop.addEventListener("click", () => {
    basket.items.splice(position, 1);
    clearRefusal();
    keep();
    refocus();
  });
  return row;
}

function refuse(sentence) {
  const box = find("refused");
  box.textContent = sentence;
  box.hidden = false;
}

function clearRefusal() {
  find("refused").hidden = true;
  for (const item of basket.items) delete item.error;
}

// --- scanning ---

// The server's clock decides the business day; this device's clock only measures the distance.
let ahead = Date.now() - Date.parse(page.dataset.now);

async function onCode(text) {
  if (basket.unsent) {
    show({ answer: "ask", title: say("offline_title"), say: say("unsent"), about: [], next: "" });
    return;
  }
  const { status, body } = await ask(`${page.dataset.look}?code=${encodeURIComponent(text)}`);
  if (status === 401) {
    show(trouble(say("signed_out")), [way("→", { href: location.href })]);
    return;
  }
  if (status !== 200) {
    show(trouble(body.message));
    return;
  }
  ahead = Date.now() - Date.parse(body.now);
  if (body.answer === "go" && !add(body.item)) {
    twice(body);
    return;
  }
  show(body, body.choices.map(drawChoice));
}

function trouble(sentence) {
  return { answer: "ask", title: say("broken_title"), say: sentence, about: [], next: "" };
}

function twice(answer) {
  show({
    answer: "ask",
    title: say("twice_title"),
    say: say("twice_say"),
    about: answer.about,
    next: say("twice_next"),
  });
}

function drawChoice(choice) {
  if (choice.href) return way(choice.label, choice);
  const press = () => {
    if (!add(choice.item)) {
      twice({ about: [choice.item.name] });
      return;
    }
    show({
      answer: "go",
      title: document.querySelector("[data-panel=go]").dataset.title,
      say: "",
      about: [`${choice.item.name} ${choice.item.spec}`, `¥${yuan(choice.item.price_fen)}`],
      next: "",
    });
    refocus();
  };
  return way(choice.label, { note: choice.note, press, disabled: choice.item === null });
}

// --- paying ---

const sheet = document.getElementById("paying");
const form = sheet.querySelector("[data-tender]");
const told = sheet.querySelector("[data-told]");
let tenders = [];

const left = () => total() - tenders.reduce((sum, tender) => sum + tender.amount_fen, 0);

/** Read an amount as typed; null when it is none. */
function fenOf(text) {
  const clean = text.trim().replace(/[，,\s¥￥]/g, "").replace("。", ".");
  if (!/^\d{1,7}(\.\d{0,2})?$/.test(clean)) return null;
  const [whole, rest = ""] = clean.split(".");
  return Number(whole) * 100 + Number(rest.padEnd(2, "0"));
}

find("pay").addEventListener("click", (event) => {
  event.preventDefault();
  if (basket.items.length === 0) return;
  tenders = [];
  form.reset();
  drawPaying();
  sheet.showModal();
  form.amount.focus();
});

form.addEventListener("input", (event) => {
  if (event.target.name === "kind") form.amount.value = "";
  drawPaying(event.target.name !== "kind");
});

/** The parts of what is being typed: kind, what it is worth (fen), what is missing or over. */
function typed() {
  const kind = form.kind.value;
  const open = left();
  const text = form.amount.value;
  const exact = text.trim() === "" && kind !== "voucher";
  const received = exact ? open : fenOf(text);
  return { kind, open, received, exact, amount: received === null ? null : Math.min(received, open) };
}

function drawPaying() {
  const { kind, open, received, amount } = typed();
  sheet.querySelector("[data-due]").replaceChildren(small("¥"), yuan(open));
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== kind;
  form.amount.placeholder = kind === "voucher" ? "" : yuan(open);
  drawTenders();
  drawQuick(open);
  told.hidden = true;
  const change = kind === "cash" && received !== null ? received - open : 0;
  const box = sheet.querySelector("[data-change]");
  box.hidden = change <= 0;
  sheet.querySelector("[data-change-fen]").textContent = `¥${yuan(Math.max(0, change))}`;
  const button = sheet.querySelector("[data-settle]");
  if (amount !== null && amount > 0 && amount < open) {
    button.textContent = say("add_tender", { left: `¥${yuan(open - amount)}` });
  } else if (change > 0) {
    button.textContent = say("settle_change", { change: `¥${yuan(change)}` });
  } else {
    button.textContent = say("settle");
  }
}

function drawTenders() {
  const list = sheet.querySelector("[data-tenders]");
  list.hidden = tenders.length === 0;
  list.replaceChildren(
    ...tenders.map((tender, position) => {
      const row = document.createElement("li");
      row.className = "row apart";
      const name = document.createElement("span");
      name.textContent = [say(tender.kind), tender.reference].filter(Boolean).join(" ");
      const worth = document.createElement("b");
      worth.textContent = `¥${yuan(tender.amount_fen)}`;
      const drop = document.createElement("button");
      drop.type = "button";
      drop.className = "btn plain small";
      drop.textContent = "×";
      drop.setAttribute("aria-label", say("drop", { name: say(tender.kind) }));
      drop.addEventListener("click", () => {
        tenders.splice(position, 1);
        drawPaying();
      });
      row.append(name, worth, drop);
      return row;
    }),
  );
}

/** Offer the notes that a customer is likely to hand over. */
function drawQuick(open) {
  const notes = [1_000, 2_000, 5_000, 10_000];
  const likely = notes.map((note) => Math.ceil(open / note) * note).filter((fen) => fen > open);
  const offered = [...new Set(likely)].sort((a, b) => a - b).slice(0, 4);
  sheet.querySelector("[data-quick]").replaceChildren(
    ...offered.map((fen) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.className = "chip";
      chip.textContent = `¥${fen / 100}`;
      chip.addEventListener("click", () => {
        form.amount.value = String(fen / 100);
        drawPaying();
        form.querySelector("[data-settle]").focus();
      });
      return chip;
    }),
  );
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { kind, open, received, amount } = typed();
  const reference = kind === "voucher" ? form.reference.value.trim() : "";
  let wrong = "";
  if (open > 0 && (received === null || received <= 0)) wrong = say("no_amount");
  else if (kind !== "cash" && received > open) wrong = say("too_much");
  else if (kind === "voucher" && !reference) wrong = say("no_reference");
  if (wrong) {
    told.textContent = wrong;
    told.hidden = false;
    (kind === "voucher" && !reference ? form.reference : form.amount).focus();
    return;
  }
  if (open > 0) tenders.push({ kind, amount_fen: amount, received_fen: received, reference });
  if (left() > 0) {
    form.amount.value = form.reference.value = "";
    if (kind === "voucher") form.kind.value = "cash";
    drawPaying();
    form.amount.focus();
    return;
  }
  basket.unsent = {
    key: newKey(),
    sold_at: new Date(Date.now() - ahead).toISOString(),
    items: basket.items.map((item) => Object.fromEntries(SENT.map((name) => [name, item[name]]))),
    tenders,
  };
  sheet.close();
  keep();
  send();
});

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID wants https
  return `till-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

// --- sending ---

let sending = false;

async function send() {
  const ticket = basket.unsent;
  if (!ticket || sending) return;
  sending = true;
  find("resend").disabled = true;
  try {
    const { status, body } = await ask(page.dataset.sales, ticket);
    if (status === 200 || status === 201) done(body);
    else if (status === 401) {
      refuse(say("signed_out"));
      find("unsent").hidden = false;
    } else refused(body);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    showOffline();
    find("unsent").scrollIntoView({ block: "nearest" });
  } finally {
    sending = false;
    find("resend").disabled = false;
    refocus();
  }
}

/** The server said no: nothing was written, so the basket is free again. */
function refused(body) {
  basket.unsent = null;
  keep();
  const item = basket.items[body.item];
  if (item && body.answer) {
    item.error = [body.answer.say, body.answer.next].filter(Boolean).join(" ");
    keep();
    show(body.answer, body.answer.choices.map(drawChoice));
    refuse(say("refused"));
  } else {
    refuse(body.message);
  }
}

function done(body) {
  basket = { items: [], unsent: null };
  clearRefusal();
  keep();
  const line = say("sold_line", { total: `¥${yuan(body.total_fen)}`, number: body.number });
  const change = body.change_fen ? say("sold_change", { change: `¥${yuan(body.change_fen)}` }) : "";
  show(
    {
      answer: "go",
      title: say("sold_title"),
      say: change,
      about: [line],
      next: say("sold_next"),
    },
    [way(say("print"), { href: body.receipt })],
  );
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "F8" || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  find("pay").click();
});
find("resend").addEventListener("click", send);
addEventListener("online", send);

// --- parking and clearing ---

const PARKED = `${STORE}:parked`;

function parked() {
  const kept = load(PARKED);
  return kept.items.length ? kept : null;
}

find("park").addEventListener("click", () => {
  localStorage.setItem(PARKED, JSON.stringify(basket));
  basket = { items: [], unsent: null };
  keep();
});
find("unpark").addEventListener("click", () => {
  basket = parked() ?? basket;
  localStorage.removeItem(PARKED);
  keep();
  refocus();
});
find("clear").addEventListener("click", () => {
  basket = { items: [], unsent: null };
  clearRefusal();
  keep();
});

addEventListener("storage", (event) => {
  if (event.key !== STORE) return; // another tab of this till
  basket = load(STORE);
  draw();
});

// Whoever scanned before this script was loaded has a basket that the page itself carries.
for (const item of JSON.parse(find("basket").dataset.basket || "[]")) {
  const { quantity } = item;
  if (add(item) && item.serial === null) basket.items.at(-1).quantity = quantity;
}
if (location.pathname !== page.dataset.home) history.replaceState(null, "", page.dataset.home);
keep();
listen(document.getElementById("till"), onCode);
if (basket.unsent) send();
field.removeAttribute("aria-busy");
document.documentElement.dataset.ready = "till";

// Checkout and payment: places that follow each other, freight counted as one chooses, the time
// left to pay, and looking for the payment's news. All of it also works by plain buttons.

// --- province, city, district ---
const known = new Map();

async function placesOf(box, province) {
  const code = JSON.parse(box.dataset.codes)[province];
  if (!code) return {};
  if (!known.has(code)) {
    const answer = await fetch(box.dataset.places.replace("CODE", code));
    known.set(code, answer.ok ? await answer.json() : {});
  }
  return known.get(code);
}

function offer(select, names, choose) {
  const before = select.value;
  select.replaceChildren(new Option(choose, ""), ...names.map((name) => new Option(name, name)));
  select.value = names.includes(before) ? before : names.length === 1 ? names[0] : "";
}

async function follow(box) {
  const [province, city, district] = ["province", "city", "district"].map((name) =>
    box.querySelector(`[name=${name}]`),
  );
  const places = await placesOf(box, province.value);
  offer(city, Object.keys(places), box.dataset.choose);
  offer(district, places[city.value] ?? [], box.dataset.choose);
}

for (const box of document.querySelectorAll("[data-places]")) {
  box.addEventListener("change", (event) => {
    if (event.target.name !== "district") follow(box).catch(() => {});
  });
}

// --- what a choice uncovers, and what it costs ---
const form = document.getElementById("checkout");

function uncover() {
  const pickup = form.querySelector("[name=delivery]:checked")?.value === "pickup";
  const chosen = form.querySelector("[name=address]:checked") ?? form.querySelector("[name=address]");
  for (const part of form.querySelectorAll("[data-only=pickup]")) part.hidden = !pickup;
  for (const part of form.querySelectorAll("[data-only=new]")) part.hidden = chosen?.value !== "new";
  for (const part of form.querySelectorAll(".threeplaces")) part.hidden = pickup;
  const detail = form.querySelector("[name=detail]")?.closest(".field");
  if (detail) detail.hidden = pickup;
}

let asked = 0;

async function count() {
  const mine = ++asked;
  const body = new FormData(form);
  body.set("then", "quote");
  const answer = await fetch(form.action, { method: "POST", body });
  if (!answer.ok || mine !== asked) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["sum", "consents", "barsum"]) {
    const fresh = page.getElementById(id);
    const stale = document.getElementById(id);
    if (fresh && stale) stale.replaceWith(fresh);
  }
}

if (form) {
  uncover();
  form.addEventListener("change", (event) => {
    const name = event.target.name;
    if (["delivery", "address"].includes(name)) uncover();
    if (["delivery", "address", "province"].includes(name)) count().catch(() => {});
  });
}

// --- the time left to pay ---
for (const clock of document.querySelectorAll("[data-until]")) {
  const until = Date.parse(clock.dataset.until);
  const show = () => {
    const left = Math.max(0, Math.floor((until - Date.now()) / 1000));
    clock.textContent = left
      ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`
      : clock.dataset.over;
    if (left) setTimeout(show, 1000);
  };
  show();
}

// --- back from the provider's page ---
async function look(form, tries) {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new FormData(form),
    headers: { Accept: "application/json" },
  });
  const state = answer.ok ? (await answer.json()).state : "pending_payment";
  if (state !== "pending_payment") location.reload();
  else if (tries > 0) setTimeout(() => look(form, tries - 1).catch(() => {}), 3000);
}

const waiting = document.querySelector("form[data-look]");
if (waiting) look(waiting, 8).catch(() => {});

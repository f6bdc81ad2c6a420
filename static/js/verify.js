// Checks a story against the transparency log in the reader's own browser: nothing that the server
// says is believed but what the log's key has signed.

const words = JSON.parse(document.querySelector("#words").textContent);
const list = document.querySelector("#findings");
const verdict = document.querySelector("#verdict");
const utf8 = new TextEncoder();
const KEPT = "log-seen:";

// ---- bytes ----

const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const unbase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const same = (a, b) => hex(a) === hex(b);

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// ---- the tree: RFC 9162 section 2.1 ----

const leafHash = (text) => sha256(joined([0], utf8.encode(text)));
const nodeHash = (left, right) => sha256(joined([1], left, right));

async function rootFrom(leaf, index, size, proof) {
  if (!(index >= 0 && index < size)) throw new Error("there is no such leaf");
  let at = BigInt(index);
  let last = BigInt(size) - 1n;
  let root = leaf;
  for (const sibling of proof) {
    if (last === 0n) throw new Error("the proof is too long");
    if (at & 1n || at === last) {
      root = await nodeHash(sibling, root);
      while (!(at & 1n) && at) [at, last] = [at >> 1n, last >> 1n];
    } else {
      root = await nodeHash(root, sibling);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  if (last) throw new Error("the proof is too short");
  return root;
}

async function mustBeIn(text, index, size, proof, root) {
  const found = await rootFrom(await leafHash(text), index, size, proof.map(unhex));
  if (!same(found, root)) throw new Error("the proof leads to another root");
}

async function hasGrown(first, second, proof, firstRoot, secondRoot) {
  if (first === second) return proof.length === 0 && same(firstRoot, secondRoot);
  const path = Number.isInteger(Math.log2(first)) ? [firstRoot, ...proof] : [...proof];
  if (!path.length || first > second) return false;
  let at = BigInt(first) - 1n;
  let last = BigInt(second) - 1n;
  while (at & 1n) [at, last] = [at >> 1n, last >> 1n];
  let old = path[0];
  let fresh = path[0];
  for (const sibling of path.slice(1)) {
    if (last === 0n) return false;
    if (at & 1n || at === last) {
      old = await nodeHash(sibling, old);
      fresh = await nodeHash(sibling, fresh);
      while (!(at & 1n) && at) [at, last] = [at >> 1n, last >> 1n];
    } else {
      fresh = await nodeHash(fresh, sibling);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  return last === 0n && same(old, firstRoot) && same(fresh, secondRoot);
}

// ---- Ed25519 (RFC 8032 section 5.1.7), for browsers whose WebCrypto lacks it ----

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (a, m = P) => ((a % m) + m) % m;

function power(base, exponent) {
  let result = 1n;
  for (base = mod(base); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = mod(result * base);
    base = mod(base * base);
  }
  return result;
}

const D = mod(-121665n * power(121666n, P - 2n));
const little = (bytes) => BigInt(`0x${hex(Uint8Array.from(bytes).reverse()) || "0"}`);

function point(bytes) {
  const y = little(bytes) & (2n ** 255n - 1n);
  const odd = BigInt(bytes[31] >> 7);
  if (y >= P) throw new Error("no point");
  const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * power(2n, (P - 1n) / 4n));
  if (mod(x * x) !== square || (x === 0n && odd)) throw new Error("no point");
  if ((x & 1n) !== odd) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * D * t2);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(scalar, base) {
  let result = [0n, 1n, 1n, 0n];
  for (; scalar > 0n; scalar >>= 1n) {
    if (scalar & 1n) result = add(result, base);
    base = add(base, base);
  }
  return result;
}

const equal = (a, b) => mod(a[0] * b[2] - b[0] * a[2]) === 0n && mod(a[1] * b[2] - b[1] * a[2]) === 0n;
const BASE = point(Uint8Array.from({ length: 32 }, (_, at) => (at ? 0x66 : 0x58)));

async function holdsByHand(key, signature, message) {
  try {
    const s = little(signature.slice(32));
    if (s >= L) return false;
    const digest = await crypto.subtle.digest("SHA-512", joined(signature.slice(0, 32), key, message));
    const k = mod(little(new Uint8Array(digest)), L);
    return equal(times(s, BASE), add(point(signature.slice(0, 32)), times(k, point(key))));
  } catch {
    return false;
  }
}

async function holds(key, signature, message) {
  try {
    const known = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", known, signature, message);
  } catch {
    return holdsByHand(key, signature, message);
  }
}

// ---- notes and checkpoints (C2SP) ----

function parseKey(text) {
  const [name, , ...material] = text.split("+");
  const bytes = unbase64(material.join("+"));
  if (bytes.length !== 33 || bytes[0] !== 1) throw new Error("this is not a verifier key");
  return { name, bytes: bytes.slice(1) };
}

async function checkpoint(note, key, name) {
  const cut = note.lastIndexOf("\n\n");
  const text = note.slice(0, cut + 1);
  const id = (await sha256(joined(utf8.encode(`${name}\n`), [1], key.bytes))).slice(0, 4);
  let signed = false;
  for (const line of note.slice(cut + 2).split("\n")) {
    const [dash, signer, base64] = line.split(" ");
    if (dash !== "—" || signer !== name) continue;
    const bytes = unbase64(base64);
    if (!same(bytes.slice(0, 4), id)) continue;
    if (!(await holds(key.bytes, bytes.slice(4), utf8.encode(text)))) throw new Error(words.signature);
    signed = true;
  }
  const [origin, size, root] = text.split("\n");
  if (!signed || origin !== name || !/^(0|[1-9][0-9]*)$/.test(size)) throw new Error(words.signature);
  return { size: Number(size), root: unbase64(root) };
}

// ---- what everybody may see of an event, and its canonical JSON (RFC 8785) ----

const PRIVATE = ["operator_id", "waybill_no", "ear_tags", "picker_group", "discrepancy"];
const DROPPED = new Set(["@context", "shanhuo:otherItems", "shanhuo:items", ...PRIVATE.map((name) => `shanhuo:${name}`)]);
const ITEM_LISTS = ["epcList", "childEPCs", "inputEPCList", "outputEPCList"];

function publicForm(event) {
  if (event["shanhuo:betweenPartners"]) return event;
  const form = Object.fromEntries(Object.entries(event).filter(([name]) => !DROPPED.has(name)));
  let items = event["shanhuo:otherItems"] ?? 0;
  if (items && form.childEPCs) delete form.childQuantityList;
  items += event["shanhuo:items"] ?? 0;
  for (const name of ITEM_LISTS) {
    if (!form[name]) continue;
    const kept = form[name].filter((uri) => !uri.includes("/21/"));
    items += form[name].length - kept.length;
    form[name] = kept;
  }
  if (items) form["shanhuo:items"] = items;
  const told = (form.bizTransactionList ?? []).filter((each) => each.type !== "inv");
  delete form.bizTransactionList;
  if (told.length) form.bizTransactionList = told;
  return form;
}

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

const publicHash = async (event) => hex(await sha256(utf8.encode(canonical(publicForm(event)))));
const tagOf = async (kind, uri) => hex((await sha256(utf8.encode(`${kind} ${uri}`))).slice(0, 16));

// ---- a story ----

async function proven(given, events, records, report) {
  const record = Object.fromEntries(given.record.split("\n").slice(0, -1).map((line) => {
    const at = line.indexOf(" ");
    return [line.slice(0, at), line.slice(at + 1)];
  }));
  if (record.record !== String(given.leaf)) throw new Error("the record is another leaf's");
  await mustBeIn(record.event, given.leaf, events.size, given.proof, events.root);
  await mustBeIn(given.record, given.leaf, records.size, given.record_proof, records.root);
  const concerns = [];
  for (const each of given.concerns) {
    await mustBeIn(each.line, each.at, Number(record.count), each.proof, unhex(record.subjects));
    const [tag, before, home] = each.line.split(" ");
    concerns.push({ tag, before: before === "-" ? null : Number(before), home });
  }
  if (given.public === null) report("removed", given.leaf);
  else if ((await publicHash(given.public)) !== record.public) report("changed", given.leaf);
  return { leaf: given.leaf, concerns, public: given.public ?? {} };
}

async function checkChains(bundle, events, report) {
  const uris = new Map();
  for (const each of bundle.subjects) uris.set(await tagOf(each.kind, each.uri), each);
  const links = new Map();
  const byLeaf = new Map(events.map((event) => [event.leaf, event]));
  for (const event of events) {
    for (const concern of event.concerns) {
      if (!links.has(concern.tag)) links.set(concern.tag, new Map());
      links.get(concern.tag).set(event.leaf, concern);
    }
  }
  const kind = bundle.code.includes("/21/") ? "item" : bundle.code.includes("/00/") ? "case" : "lot";
  const part = await tagOf("part", bundle.code);
  const waiting = [await tagOf(kind, bundle.code)];
  if (kind === "lot" && uris.has(part)) waiting.push(part);
  const done = new Set();
  while (waiting.length) {
    const tag = waiting.pop();
    if (done.has(tag)) continue;
    done.add(tag);
    const chain = links.get(tag) ?? new Map();
    if (!chain.size && tag !== part) report("removed", null);
    let before = null;
    for (const leaf of [...chain.keys()].sort((a, b) => a - b)) {
      if (chain.get(leaf).before !== before) report("removed", chain.get(leaf).before);
      before = leaf;
      const home = chain.get(leaf).home;
      if (home) waiting.push(home);
      const about = uris.get(tag);
      const classes = (name) => (byLeaf.get(leaf).public[name] ?? []).map((each) => each.epcClass);
      if (about?.kind === "lot" && classes("outputQuantityList").includes(about.uri)) {
        for (const uri of classes("inputQuantityList")) waiting.push(await tagOf("lot", uri));
      }
    }
  }
  for (const event of events) {
    if (!event.concerns.some((concern) => done.has(concern.tag))) report("unproven", event.leaf);
  }
}

async function compare(told, bundle, report) {
  const logged = new Map(bundle.events.filter((each) => each.public).map((each) => [each.public.eventID, each]));
  const inPart = /\/10\//.test(bundle.code) && !bundle.subjects.some((each) => each.kind === "part");
  const seen = new Set();
  let before = "";
  let waiting = 0;
  for (const event of told.epcisBody.eventList) {
    const entry = logged.get(event.eventID);
    seen.add(event.eventID);
    if (!entry) {
      if (!inPart && Date.now() - Date.parse(event.recordTime) > 300_000) report("unlogged", null);
      else waiting += 1;
    } else if ((await publicHash(event)) !== (await publicHash(entry.public))) {
      report("changed", entry.leaf);
    }
    if (event.eventTime < before) report("reordered", entry?.leaf ?? null);
    before = event.eventTime > before ? event.eventTime : before;
  }
  for (const [id, entry] of logged) {
    if (!seen.has(id) && !(inPart && seen.size >= 500)) report("removed", entry.leaf);
  }
  return waiting;
}

async function remember(key, now, report) {
  const kept = JSON.parse(localStorage.getItem(KEPT + key.name) ?? "{}");
  if (kept.key && kept.key !== hex(key.bytes)) report("otherkey", null);
  for (const log of ["events", "records"]) {
    const old = kept[log];
    if (!old?.size) continue;
    const query = new URLSearchParams({ from: old.size, to: now[log].size, log });
    const answer = now[log].size < old.size ? null : await (await fetch(`/log/proof/consistency?${query}`)).json();
    const proof = (answer?.proof ?? []).map(unbase64);
    if (!(await hasGrown(old.size, now[log].size, proof, unhex(old.root), now[log].root))) report("shrunk", null);
  }
  return () => {
    const keep = (each) => ({ size: each.size, root: hex(each.root) });
    const seen = { key: hex(key.bytes), events: keep(now.events), records: keep(now.records) };
    localStorage.setItem(KEPT + key.name, JSON.stringify(seen));
  };
}

async function get(url) {
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error((await answer.json()).message ?? answer.statusText);
  return answer.json();
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

function show(kind, text) {
  const line = document.createElement("li");
  line.textContent = text;
  line.dataset.kind = kind;
  list.append(line);
}

async function check(code, vkey) {
  list.replaceChildren();
  let bad = 0;
  const reported = new Set();
  const report = (kind, leaf) => {
    const text = filled(leaf === null ? words[kind] : `${words[kind]} ${words.at}`, { leaf: leaf + 1 });
    if (!reported.has(text)) show("bad", text);
    reported.add(text);
    bad += 1;
  };
  const key = parseKey(vkey);
  const bundle = await get(`/log/story?code=${encodeURIComponent(code)}`);
  const events = await checkpoint(bundle.checkpoint, key, key.name);
  const records = await checkpoint(bundle.records_checkpoint, key, `${key.name}/records`);
  show("ok", filled(words.signed, { size: events.size }));
  const save = await remember(key, { events, records }, report);
  const found = [];
  for (const each of bundle.events) {
    try {
      found.push(await proven(each, events, records, report));
    } catch (error) {
      report("unproven", each.leaf);
      console.warn(error);
    }
  }
  show("ok", filled(words.hashed, { count: bundle.events.length }));
  await checkChains(bundle, found, report);
  const told = await get(`${new URL(bundle.code).pathname}?format=json`);
  const waiting = await compare(told, bundle, report);
  if (waiting) show("wait", filled(words.waiting, { count: waiting }));
  if (!bad) {
    show("ok", words.complete);
    save();
  }
  return bad === 0;
}

const form = document.querySelector("#check");

async function run(event) {
  event?.preventDefault();
  verdict.hidden = false;
  verdict.dataset.state = "busy";
  verdict.textContent = words.busy;
  try {
    if (!crypto.subtle) throw new Error(words.insecure);
    const whole = await check(form.elements.code.value, form.elements.key.value.trim());
    verdict.dataset.state = whole ? "ok" : "bad";
    verdict.textContent = whole ? words.good : words.bad;
  } catch (error) {
    verdict.dataset.state = "bad";
    verdict.textContent = filled(words.failed, { why: error.message });
  }
}

form.addEventListener("submit", run);
if (form.elements.code.value) run();

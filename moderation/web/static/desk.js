// The desk by keyboard and without reloading. Everything here also works as plain forms and links;
// this module sends those forms itself, keeps the place in the list, and looks for what is new.

const POLL_EVERY = 4000; // milliseconds
const CLAIM_AFTER = 1000; // whoever only passes by claims nothing
const CLAIM_AGAIN = 60_000; // a claim ends by itself after two minutes
const TOAST_STAYS = 10_000;
const FEW_LEFT = 6; // so many open cards, and the following ones are fetched

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

const cases = $("[data-cases]");
const bulk = $("[data-bulk]");
const undos = []; // what can be taken back, the newest last

// --- telling ---------------------------------------------------------------------------------

function announce(text) {
  const region = $("#announcements");
  region.textContent = "";
  // emptied first, so that the same sentence is read out twice
  setTimeout(() => (region.textContent = text), 50);
}

function toast(text, undoable = false) {
  announce(text);
  const region = $("[data-toasts]");
  if (!region) return;
  const shown = $("[data-toast]").content.cloneNode(true).firstElementChild;
  $("[data-text]", shown).textContent = text;
  const button = $("[data-undo]", shown);
  if (undoable) button.addEventListener("click", undo);
  else button.remove();
  region.replaceChildren(shown);
  const fade = async () => {
    await sleep(TOAST_STAYS);
    // stays for as long as somebody is reading or reaching for it
    while (shown.matches(":hover, :focus-within")) await sleep(1000);
    shown.remove();
  };
  fade();
}

// --- asking the server -------------------------------------------------------------------------

class SessionOver extends Error {}

async function ask(address, fields) {
  const response = await fetch(address, {
    method: fields ? "POST" : "GET",
    body: fields && new URLSearchParams(fields),
    headers: { Accept: "application/json" },
  });
  if (response.status === 401) throw new SessionOver();
  const json = response.headers.get("Content-Type")?.startsWith("application/json");
  if (!json) throw new Error(`${response.status}`);
  return { status: response.status, ...(await response.json()) };
}

// Not form.action: that is the field of this name.
const addressOf = (form) => form.getAttribute("action");

// As a form the server can keep it over a new login, or ask for the number of comments.
function sendAsForm(address, fields) {
  const copy = document.createElement("form");
  copy.method = "post";
  copy.action = address;
  copy.hidden = true;
  for (const [name, value] of fields) {
    const input = document.createElement("textarea");
    input.name = name;
    input.value = value;
    copy.append(input);
  }
  document.body.append(copy);
  copy.submit();
}

async function send(address, fields) {
  try {
    return await ask(address, fields);
  } catch (error) {
    if (error instanceof SessionOver) sendAsForm(address, fields);
    else toast(cases.dataset.unavailable);
    return null;
  }
}

// --- the place in the list ---------------------------------------------------------------------

const open = () => $$(".case:not(.decided)");
const current = () => $(".case[aria-current]") ?? open()[0];

function goTo(card, { focus = true } = {}) {
  if (!card) return;
  const before = $(".case[aria-current]");
  if (before !== card) {
    before?.removeAttribute("aria-current");
    card.setAttribute("aria-current", "true");
    claim(card);
  }
  if (!focus) return;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "start", behavior: "instant" });
}

function step(by) {
  const cards = open();
  const place = cards.indexOf($(".case[aria-current]"));
  goTo(cards[place < 0 ? 0 : Math.min(Math.max(place + by, 0), cards.length - 1)]);
}

// The next open card below; at the end of the list the last one above.
function following(card) {
  const cards = $$(".case");
  const place = cards.indexOf(card);
  const isOpen = (one) => !one.classList.contains("decided");
  return cards.slice(place + 1).find(isOpen) ?? cards.slice(0, place).reverse().find(isOpen);
}

// --- claims --------------------------------------------------------------------------------------

let claimed = null;
let claiming = 0;

function claim(card) {
  clearTimeout(claiming);
  if (!$("[data-decide]", card)) return;
  claiming = setTimeout(() => {
    release();
    claimed = card;
    tellClaim("POST");
    claiming = setInterval(() => document.hidden || tellClaim("POST"), CLAIM_AGAIN);
  }, CLAIM_AFTER);
}

function release() {
  if (claimed && !claimed.classList.contains("decided")) tellClaim("DELETE");
  claimed = null;
}

function tellClaim(method) {
  const address = addressOf($("[data-decide]", claimed)).replace(/decision$/, "claim");
  const headers = { "X-CSRFToken": cases.dataset.csrf, Accept: "application/json" };
  // nobody's work depends on it
  fetch(address, { method, headers, keepalive: true }).catch(() => {});
}

// --- deciding ------------------------------------------------------------------------------------

function fieldsOf(form, button) {
  const fields = [...new FormData(form)];
  if (button?.name) fields.push([button.name, button.value]);
  return fields;
}

async function decide(form, button) {
  const card = form.closest(".case");
  if (card.hasAttribute("aria-busy")) return;
  card.setAttribute("aria-busy", "true");
  const answer = await send(addressOf(form), fieldsOf(form, button));
  card.removeAttribute("aria-busy");
  if (answer?.status === 200) decided(card, answer.text, answer.version);
  else if (answer) await refused(card, answer.problem);
}

function decided(card, text, version) {
  const next = following(card);
  collapse(card, text, version);
  undos.push({ card });
  toast(text, true);
  goTo(next);
  afterDeciding();
}

function collapse(card, text, version) {
  setVersion(card, version);
  const line = $("[data-done]").content.cloneNode(true).firstElementChild;
  $("[data-text]", line).textContent = text;
  $("[data-excerpt]", line).textContent = $(".comment-text", card).textContent.slice(0, 160);
  const button = $("[data-undo-this]", line);
  if (version) button.addEventListener("click", () => undoOne(card));
  else button.remove();
  $(".done", card)?.remove();
  card.prepend(line);
  card.classList.add("decided");
  card.removeAttribute("aria-current");
  const box = $(".pick", card);
  if (box?.checked) {
    box.checked = false;
    countPicked();
  }
}

function setVersion(card, version) {
  if (!version) return;
  card.dataset.version = version;
  $$("[name=version]", card).forEach((field) => (field.value = version));
  const box = $(".pick", card);
  if (box) box.value = `${version}:${card.dataset.comment}`;
}

// What the moderator wrote stays; the comment is shown as it is now.
async function refused(card, problem) {
  announce(problem);
  const fresh = (await fetchCards())?.find((one) => one.dataset.comment === card.dataset.comment);
  if (fresh) {
    for (const field of $$("textarea, [name=tell]", card)) {
      const twin = $(`[name=${field.name}]`, fresh);
      if (!twin) continue;
      twin.value = field.value;
      twin.checked = field.checked;
    }
    const words = $("[data-words]", fresh);
    if (words) words.open = $("[data-words]", card).open;
    card.replaceWith(fresh);
    showProblem(fresh, problem);
    goTo(fresh);
  } else {
    const next = following(card);
    collapse(card, problem);
    goTo(next);
    afterDeciding();
  }
}

function showProblem(card, problem) {
  const told = $("[data-problem]", card);
  told.textContent = problem;
  told.hidden = false;
}

async function undo() {
  const last = undos.pop();
  if (!last) return;
  if (last.card) await undoOne(last.card);
  else await undoMany(last);
}

async function undoOne(card) {
  const place = undos.findIndex((one) => one.card === card);
  if (place >= 0) undos.splice(place, 1);
  const form = $("[data-decide]", card);
  const fields = new FormData(form);
  fields.set("action", "undo");
  fields.delete("note");
  fields.delete("message");
  const answer = await send(addressOf(form), [...fields]);
  if (!answer) return;
  if (answer.status === 200) {
    setVersion(card, answer.version);
    reopen(card);
    goTo(card);
    toast(answer.text);
  } else {
    $("[data-text]", card).textContent = answer.problem;
    $("[data-undo-this]", card)?.remove();
    toast(answer.problem);
  }
  afterDeciding();
}

function reopen(card) {
  card.classList.remove("decided");
  $(".done", card)?.remove();
}

function afterDeciding() {
  const empty = $("[data-empty]");
  if (empty) empty.hidden = open().length > 0;
  if ("more" in cases.dataset && open().length < FEW_LEFT) refresh();
  look();
}

// --- many at once ----------------------------------------------------------------------------------

const picked = () => $$(".pick:checked");

function countPicked() {
  const shown = $("[data-picked]");
  if (shown) shown.textContent = picked().length;
}

async function decideMany(button) {
  const fields = fieldsOf(bulk, button);
  const answer = await send(addressOf(bulk), fields);
  if (!answer) return;
  if (answer.status === 428) return sendAsForm(addressOf(bulk), fields);
  if (answer.status !== 200) return toast(answer.problem);
  const byId = new Map($$(".case").map((card) => [card.dataset.comment, card]));
  let next = current();
  for (const id of answer.decided) collapse(byId.get(id), answer.text);
  for (const [id, problem] of Object.entries(answer.refused)) {
    $(".pick", byId.get(id)).checked = false;
    showProblem(byId.get(id), problem);
  }
  bulk.reset();
  countPicked();
  if (answer.undo) undos.push({ decisions: answer.undo, ids: answer.decided });
  toast(answer.text, Boolean(answer.undo));
  next = next?.classList.contains("decided") ? following(next) : next;
  goTo(next ?? open()[0]);
  afterDeciding();
}

async function undoMany({ decisions, ids }) {
  const answer = await send(bulk.dataset.undo, [
    ["csrf_token", cases.dataset.csrf],
    ["decisions", decisions],
    ["back", location.pathname + location.search],
  ]);
  if (!answer) return;
  // their versions have changed: what is shown again is what the server has
  for (const card of $$(".case.decided")) if (ids.includes(card.dataset.comment)) card.remove();
  toast(answer.text ?? answer.problem);
  await refresh();
  afterDeciding();
}

// --- what is new -----------------------------------------------------------------------------------

async function fetchCards() {
  if (!cases.dataset.changes) return null;
  const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!response?.ok || response.redirected) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const list = $("[data-cases]", page);
  if (!list) return null;
  cases.toggleAttribute("data-more", "more" in list.dataset);
  const next = $("[data-pages]", page);
  $("[data-pages]")?.replaceChildren(...(next?.children ?? []));
  return $$(".case", list).map((card) => document.adoptNode(card));
}

const isUsed = (card) =>
  card.contains(document.activeElement) || $$("textarea", card).some((field) => field.value);

// Puts in what the list now has and the page has not, each behind what it follows in the list.
async function refresh() {
  const fresh = await fetchCards();
  const shown = new Map($$(".case").map((card) => [card.dataset.comment, card]));
  let before = null;
  for (const card of fresh ?? []) {
    const old = shown.get(card.dataset.comment);
    const newer = old && Number(card.dataset.version) > Number(old.dataset.version);
    if (old && (!newer || (!old.classList.contains("decided") && isUsed(old)))) {
      before = old;
      continue;
    }
    if (old) {
      old.replaceWith(card);
      if (old.hasAttribute("aria-current")) goTo(card, { focus: false });
    } else if (before) before.after(card);
    else cases.prepend(card);
    before = card;
  }
  const empty = $("[data-empty]");
  if (empty) empty.hidden = open().length > 0;
}

let looking = null;

async function look() {
  if (!cases?.dataset.changes || looking) return looking;
  looking = ask(`${cases.dataset.changes}${cases.dataset.changes.includes("?") ? "&" : "?"}change=${cases.dataset.change}`)
    .then(hear)
    .catch((error) => {
      if (error instanceof SessionOver) {
        clearInterval(polling);
        toast(cases.dataset.expired);
      }
    })
    .finally(() => (looking = null));
  return looking;
}

async function hear(news) {
  for (const card of open()) {
    const shown = $("[data-claim]", card);
    const words = news.claims[card.dataset.comment];
    shown.hidden = !words;
    $("bdi", shown).textContent = words ?? "";
  }
  if (!news.counts) return;
  cases.dataset.change = news.change;
  for (const [list, count] of Object.entries(news.counts)) {
    const shown = $(`[data-count="${list}"]`);
    if (shown) shown.textContent = count;
  }
  for (const { id, version, text } of news.decided) {
    const card = open().find((one) => one.dataset.comment === id);
    if (card && Number(card.dataset.version) < version) goneMeanwhile(card, text);
  }
  await refresh();
}

// A colleague has decided it; whoever is just reading it keeps the place.
function goneMeanwhile(card, text) {
  const wasCurrent = card.hasAttribute("aria-current");
  const next = following(card);
  collapse(card, text);
  if (wasCurrent) goTo(next, { focus: card.contains(document.activeElement) });
}

// --- words to the author -----------------------------------------------------------------------------

const templates = () => new Set($$("[data-message]").map((button) => button.dataset.message));

function offerTemplate(box) {
  const form = box.form;
  const message = $("[name=message]", form);
  const button = $("[data-suggested]", form) ?? $("[data-message]", form);
  if (box.checked && !message.value) message.value = button?.dataset.message ?? "";
}

// Rejected under another rule, an unchanged template becomes that rule's.
function adaptTemplate(form, button) {
  const message = $("[name=message]", form);
  if (message && button?.dataset.message && templates().has(message.value)) {
    message.value = button.dataset.message;
  }
}

// --- keys ------------------------------------------------------------------------------------------

const isText = (element) =>
  element.matches("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])");

function press(key) {
  const scope = picked().length ? bulk : current();
  const button = scope && $(`button[data-key="${key}"]`, scope);
  button?.click();
  return Boolean(button);
}

function openWords() {
  const scope = picked().length ? bulk : current();
  const words = scope && $("[data-words]", scope);
  if (!words) return false;
  words.open = true;
  ($("[data-suggested]", scope) ?? $("[data-key='1']", scope) ?? $("textarea", words)).focus();
  return true;
}

function pick() {
  const box = current() && $(".pick", current());
  box?.click();
  return Boolean(box);
}

function unfold() {
  const thread = $("[data-thread]", current()) ?? $("[data-thread]");
  if (thread) thread.open = !thread.open;
  return Boolean(thread);
}

function takeBack() {
  if (undos.length) undo();
  else ($("[data-flashed] [data-undo]") ?? $("[data-undo-last]"))?.click();
  return true;
}

function showKeys() {
  const dialog = $("[data-keys]");
  dialog?.showModal();
  return Boolean(dialog);
}

const keys = {
  j: () => (step(1), true),
  k: () => (step(-1), true),
  r: openWords,
  u: takeBack,
  x: pick,
  z: unfold,
  "/": () => ($("[data-search]")?.focus(), true),
  "?": showKeys,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if ($("dialog[open]")) return;
  if (isText(event.target)) {
    if (event.key !== "Escape") return;
    event.target.blur();
    event.target.closest(".case")?.focus();
    return;
  }
  const done = keys[event.key]?.() ?? (/^[ad1-4]$/.test(event.key) && press(event.key));
  if (done) event.preventDefault();
});

// --- a range of scores ---------------------------------------------------------------------------------

const range = $("[data-range]");

// The two number fields are what counts; the plot shows them and can be dragged.
function startRange() {
  const form = $("[data-range-form]", range);
  const plot = $("[data-plot]", range);
  const bounds = { low: $("[data-bound=low]", form), high: $("[data-bound=high]", form) };
  const valueOf = (name) => Number(bounds[name].value) || 0;
  let loading = 0;

  const draw = () => {
    const [low, high] = [valueOf("low"), valueOf("high")];
    const band = $("[data-band]", plot);
    band.setAttribute("x", low);
    band.setAttribute("width", Math.max(high - low, 0));
    for (const name of ["low", "high"]) {
      const handle = $(`[data-handle=${name}]`, plot);
      handle.setAttribute("x", valueOf(name) - 0.35);
      handle.setAttribute("aria-valuenow", valueOf(name));
      handle.setAttribute("aria-valuetext", `${valueOf(name)} %`);
    }
  };
  const set = (low, high) => {
    bounds.low.value = Math.max(0, Math.min(low, high));
    bounds.high.value = Math.min(100, Math.max(low, high));
    draw();
  };
  const load = () => {
    clearTimeout(loading);
    loading = setTimeout(async () => {
      const address = `${addressOf(form)}?${new URLSearchParams(new FormData(form))}`;
      const response = await fetch(address, { headers: { Accept: "text/html" } });
      if (response.redirected || !response.ok) return location.assign(address);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      $("[data-in-range]").replaceWith(document.adoptNode($("[data-in-range]", page)));
      history.replaceState(null, "", address);
      announce($("[data-in-range]").firstElementChild.textContent.trim());
    }, 250);
  };
  const under = (event) => {
    const box = plot.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width) * 100;
    return Math.min(Math.max(Math.round(share / 5) * 5, 0), 100);
  };

  let fixed = null; // while dragging: the bound at the other end
  plot.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-handle]");
    const atHandle = handle && valueOf("high") > valueOf("low");
    fixed = atHandle ? valueOf(handle.dataset.handle === "low" ? "high" : "low") : under(event);
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener("pointermove", (event) => fixed !== null && set(fixed, under(event)));
  plot.addEventListener("pointerup", () => {
    fixed = null;
    if (valueOf("high") > valueOf("low")) load();
  });
  plot.addEventListener("pointercancel", () => (fixed = null));

  plot.addEventListener("keydown", (event) => {
    const { handle } = event.target.dataset;
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };
    const ends = { Home: 0, End: 100 };
    if (!handle || !(event.key in by || event.key in ends)) return;
    event.preventDefault();
    const wanted = ends[event.key] ?? valueOf(handle) + by[event.key];
    const [low, high] = [valueOf("low"), valueOf("high")];
    if (handle === "low") set(Math.min(wanted, high), high);
    else set(low, Math.max(wanted, low));
    load();
  });
  form.addEventListener("input", draw);
  form.addEventListener("change", (event) => event.target.matches("[data-bound]") && load());
}

if (range) startRange();

// --- the place, kept while a comment is looked at by itself -----------------------------------------

const placeKey = `place${location.search}`;

function keepPlace(card) {
  const ids = [card, following(card)].map((one) => one?.dataset.comment);
  sessionStorage.setItem(placeKey, JSON.stringify(ids));
}

function keptPlace() {
  const ids = JSON.parse(sessionStorage.getItem(placeKey) ?? "[]");
  sessionStorage.removeItem(placeKey);
  return ids.map((id) => open().find((card) => card.dataset.comment === id)).find(Boolean);
}

// --- wiring ------------------------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  adaptTemplate(form, submitter);
  if (form === bulk) {
    event.preventDefault();
    decideMany(submitter);
  } else if (form.matches("[data-decide]") && cases.dataset.changes) {
    event.preventDefault();
    decide(form, submitter);
  } else if (form.matches("[data-filters]")) {
    // addresses are shared: nothing empty in them
    for (const field of form.elements) field.disabled ||= field.name && !field.value;
    setTimeout(() => [...form.elements].forEach((field) => (field.disabled = false)));
  }
});

document.addEventListener("change", (event) => {
  const { target } = event;
  if (target.matches("[data-apply]")) target.form.requestSubmit();
  else if (target.matches(".pick")) countPicked();
  else if (target.matches("[name=tell]")) offerTemplate(target);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) showKeys();
  if (event.target.closest(".case-link")) keepPlace(event.target.closest(".case"));
  if (event.target.closest("[data-pick-all]")) {
    for (const card of open()) ($(".pick", card) ?? {}).checked = true;
    countPicked();
  }
});

document.addEventListener("focusin", (event) => {
  const card = event.target.closest(".case:not(.decided)");
  if (card) goTo(card, { focus: false });
});

bulk?.addEventListener("reset", () => setTimeout(countPicked));
addEventListener("pagehide", release);

const flashed = $$("[data-flashed] [data-text]").map((shown) => shown.textContent).join(" ");
// a live region that is filled while the page loads is not read out
if (flashed) setTimeout(() => announce(flashed), 200);

let polling = 0;
if (cases) {
  countPicked();
  const kept = cases.dataset.changes && keptPlace();
  goTo(kept || current(), { focus: Boolean(kept) });
}
if (cases?.dataset.changes) {
  polling = setInterval(() => document.hidden || look(), POLL_EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || look());
}

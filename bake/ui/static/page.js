// The page: puts what the server draws in place as it comes, and sends what a person does.

const toasts = document.getElementById("toasts");
const sheet = document.getElementById("sheet");
const live = document.getElementById("live");
const page = document.body.dataset.page;

// --- what the server draws ---

/** Make an element look like another, but keep focus, open parts, and the state that belongs to the browser. */
function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.id ?? "") !== (fresh.id ?? "")) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if ("keep" in old.dataset || old.isEqualNode(fresh)) return;
  if ("brief" in fresh.dataset && !("brief" in old.dataset)) return; // the whole row comes soon
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    const kept = name === "aria-expanded" || name === "src";
    if (old.getAttribute(name) !== value && !(kept && old.hasAttribute(name) && !old.dataset.fresh)) {
      old.setAttribute(name, value);
    }
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const byId = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const own = child.id ? byId.get(child.id) : null;
    if (own) {
      if (own !== at) old.insertBefore(own, at);
      else at = at.nextSibling;
      morph(own, child);
    } else if (at && !at.id && !child.id && at.nodeName === child.nodeName) {
      const next = at.nextSibling;
      morph(at, child);
      at = next;
    } else {
      old.insertBefore(child, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function patch(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const atEnd = (out) => out.scrollTop + out.clientHeight >= out.scrollHeight - 8;
  const read = new Set([...document.querySelectorAll("pre.out")].filter((out) => !atEnd(out)));
  for (const fresh of [...holder.content.children]) {
    const old = document.getElementById(fresh.id);
    if (old) morph(old, fresh);
  }
  for (const out of document.querySelectorAll("pre.out")) if (!read.has(out)) out.scrollTop = out.scrollHeight;
  applyFilter();
  document.dispatchEvent(new Event("patched"));
}

/** Listen for changes; the server does not send again what the loaded page already shows. */
let hearing = null;
let isDue = 0;
function listen(drawn = "", failed = 0) {
  clearTimeout(isDue);
  hearing?.close();
  const events = new EventSource(`events?page=${page}&drawn=${drawn}`);
  hearing = events;
  const say = (state, text) => {
    live.dataset.state = state;
    live.lastElementChild.textContent = text;
  };
  events.onopen = () => {
    failed = 0;
    say("on", "live");
  };
  events.onmessage = (event) => patch(event.data);
  events.onerror = () => {
    events.close(); // it would reconnect with the first URL, but the page shows something else now
    say("off", failed < 5 ? "reconnecting" : "stopped");
    isDue = setTimeout(() => listen("", failed + 1), failed < 5 ? 1000 : 5000);
  };
}

/** A browser has six connections to a host, so a hidden tab keeps none and a seventh tab can open, too. */
let wasLoaded = document.body.dataset.drawn;
function hear() {
  if (document.hidden) {
    clearTimeout(isDue);
    hearing?.close();
    live.dataset.state = "off";
    live.lastElementChild.textContent = "paused";
    return;
  }
  listen(wasLoaded);
  wasLoaded = "";
}

// --- what a person does ---

const silent = { message: "The page's server does not answer.", remedy: "Start it again: desktop-bake ui" };
const ask = (path, options) =>
  fetch(path, options).catch(() => {
    throw Object.assign(new Error(silent.message), silent);
  });

export async function post(path, body) {
  const answer = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Desktop-Bake": "1" },
    body: JSON.stringify(body),
  });
  const said = await answer.json().catch(() => ({ error: "The page's server did not answer as it should." }));
  if (!answer.ok) throw Object.assign(new Error(said.error ?? "refused"), said);
  return said;
}

export function toast(text, { more = "", kind = "", undo = null } = {}) {
  const box = document.createElement("div");
  box.className = `toast ${kind}`;
  const words = document.createElement("p");
  words.textContent = text;
  box.append(words);
  if (more) {
    const second = document.createElement("p");
    second.textContent = more;
    second.className = "quiet";
    box.append(second);
  }
  if (undo) box.append(button("Undo", () => { box.remove(); undo(); }));
  box.append(button("Close", () => box.remove(), "plain"));
  toasts.append(box);
  while (toasts.children.length > 3) toasts.firstChild.remove();
  setTimeout(() => box.matches(":hover, :focus-within") || box.remove(), kind === "bad" ? 20000 : 8000);
}

function button(text, act, kind = "") {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.className = kind;
  made.addEventListener("click", act);
  return made;
}

/** Show an error: in the open sheet if there is one, since everything else is behind it. */
export function refused(error) {
  if (!sheet.open) {
    toast(error.message, { more: error.remedy, kind: "bad" });
    return;
  }
  sheet.querySelector(".fault")?.remove();
  const said = document.createElement("p");
  said.className = "fault";
  said.role = "alert";
  said.textContent = [error.message, error.remedy].filter(Boolean).join(": ");
  sheet.querySelector("h2").after(said);
}

/** HTML that the server drew; any other answer is the text of an error, not markup. */
async function drawn(path) {
  const answer = await ask(path);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text.trim());
  return text;
}

const seen = () => document.getElementById("seen");
let saving = Promise.resolve(); // one after the other, so that each save has seen the previous one

function turn(button) {
  const env = button.closest("[data-env]").dataset.env;
  const on = button.getAttribute("aria-checked") !== "true";
  const label = button.getAttribute("aria-label");
  button.setAttribute("aria-checked", String(on));
  button.setAttribute("aria-busy", "true");
  saving = saving.then(async () => {
    try {
      const done = await post("turn", { env, switch: button.dataset.switch, on, seen: seen().dataset.seen });
      seen().dataset.seen = done.seen;
      toast(`${label}: ${on ? "on" : "off"}.`, { undo: () => undo(done.undo) });
    } catch (error) {
      button.setAttribute("aria-checked", String(!on));
      refused(error);
    }
    button.removeAttribute("aria-busy");
  });
}

function undo(number) {
  saving = saving.then(async () => {
    try {
      seen().dataset.seen = (await post("undo", { number })).seen;
      toast("Undone.");
    } catch (error) {
      refused(error);
    }
  });
}

async function why(button) {
  const panel = document.getElementById(button.getAttribute("aria-controls"));
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  panel.hidden = !open;
  if (!open) return;
  panel.textContent = "Looking for the nearest image…";
  const env = button.closest("[data-env]").dataset.env;
  try {
    panel.innerHTML = await drawn(`why?env=${encodeURIComponent(env)}`);
  } catch (error) {
    panel.textContent = error.message;
  }
}

export async function openSheet(path, { label = "" } = {}) {
  sheet.innerHTML = await drawn(path);
  if (label) sheet.setAttribute("aria-label", label);
  if (!sheet.open) sheet.showModal();
}

const policy = () => {
  const form = sheet.querySelector("form");
  const values = new URLSearchParams({ keep: form.keep.value, older_than: form.older_than.value });
  if (form.registry?.checked) values.set("registry", "1");
  return values;
};

const number = (button) => Number(button.closest("[data-build]").dataset.build);

export const acts = {
  turn,
  why,
  build: (button) => post("build", { envs: [button.closest("[data-env]").dataset.env] }),
  "build-all": () => post("build", { all: true }),
  again: (button) => post("build", { envs: JSON.parse(button.dataset.envs) }),
  cancel: (button) => post("cancel", { build: number(button) }),
  dismiss: (button) => post("dismiss", { build: number(button) }),
  "look-images": () => post("look-images", {}),
  examine: () => post("examine", {}),
  prune: () => openSheet("prune"),
  preview: () => openSheet(`prune?${policy()}`),
  "close-sheet": () => sheet.close(),
  "prune-now": async (button) => {
    button.disabled = true;
    try {
      const done = await post("prune", { plan: Number(sheet.querySelector("form").dataset.plan) });
      toast(done.said, { more: done.faults.join("; "), kind: done.faults.length ? "bad" : "" });
    } finally {
      sheet.close();
    }
  },
};

Object.assign(acts, {
  "start-form": () => openSheet("start"),
  "start-now": async () => {
    const { env, command, geometry } = sheet.querySelector("form").elements;
    await post("start", { env: env.value, command: command.value, geometry: geometry.value });
    sheet.close();
  },
  "dismiss-start": (button) => post("dismiss-start", { number: Number(button.dataset.number) }),
  "stop-form": (button) => openSheet(`stop?task=${button.closest("[data-task]").dataset.task}`),
  "stop-task": async (button) => {
    const { task, name } = button.closest("[data-task]").dataset;
    button.disabled = true;
    try {
      await post("stop", { task });
      toast(`The task of ${name} has ended.`);
    } finally {
      sheet.close();
    }
  },
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-do]");
  if (!button || button.disabled || button.getAttribute("aria-busy")) return;
  try {
    await acts[button.dataset.do]?.(button);
  } catch (error) {
    refused(error);
  }
});
sheet.addEventListener("submit", (event) => event.preventDefault());

// --- the filter, and passing times ---

let isFiltered = false;
function applyFilter() {
  const field = document.getElementById("filter");
  if (!field) return;
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length && !isFiltered) return;
  isFiltered = words.length > 0;
  let shown = 0;
  const rows = document.querySelectorAll(".env");
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += !row.hidden;
  }
  document.getElementById("filter-said").textContent = words.length ? `${shown} of ${rows.length}` : "";
}
document.addEventListener("input", (event) => event.target.id === "filter" && applyFilter());

const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
function age(seconds) {
  const [unit, length] = units.find(([, length]) => seconds >= length) ?? ["second", 1];
  const count = Math.max(0, Math.floor(seconds / length));
  return count ? `${count} ${unit}${count === 1 ? "" : "s"}` : "a moment";
}
setInterval(() => {
  for (const time of document.querySelectorAll("time")) {
    const text = `${age((Date.now() - Date.parse(time.dateTime)) / 1000)} ago`;
    if (time.textContent !== text) time.textContent = text;
  }
}, 60000);
setInterval(() => {
  if (document.hidden) return;
  for (const clock of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.round(Date.now() / 1000 - Number(clock.dataset.since)));
    clock.textContent = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
}, 1000);

if (page === "desk") {
  live.hidden = true;
} else {
  requestAnimationFrame(() => setTimeout(hear)); // paint the existing content first
  document.addEventListener("visibilitychange", hear);
}

// One Socket.IO connection a page. Sockets carry keys: what changed is fetched again with the viewer's own rights.
//
//   data-live="case:12 pacu"           rooms to listen to (body or any element)
//   data-live-mark="…"                 the moment it was drawn: joining is answered with what changed since
//   data-refresh-on="vitals events"    fetch again when one of these changed (needs hx-get and hx-trigger="refresh")
//   data-refresh-topic="case:12"       only for changes of this topic (optional)

const BURST_MS = 500; // at most two refreshes a second
const GATHER_MS = 40; // one write tells several changes
const ANSWER_MS = 8000;
const shared = (globalThis[Symbol.for("mafei.live")] ??= { socket: null, topics: new Map() }); // topic → mark
const waiting = new Set();
let timer = null;
let lastFlush = -BURST_MS;

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`mafei:${name}`, { detail }));

/** Call `handler({topic, values, …})` for every `numeric` event; returns a function that stops it. */
export function onNumeric(handler) {
  const listener = ({ detail }) => handler(detail);
  document.addEventListener("mafei:numeric", listener);
  return () => document.removeEventListener("mafei:numeric", listener);
}

/** Call `handler({topic, what})` for every `changed` event; returns a function that stops it. */
export function onChanged(handler) {
  const listener = ({ detail }) => handler(detail);
  document.addEventListener("mafei:changed", listener);
  return () => document.removeEventListener("mafei:changed", listener);
}

/** Call `handler()` when the line was down and nobody knows what changed meanwhile. */
export const onMissed = (handler) => document.addEventListener("mafei:missed", handler);

/** Put a new value into a numeric tile. at: ISO time. state: live | warn | alarm. */
export function showNumeric(tile, { text, at, state = "live", word = "" }) {
  tile.querySelector("[data-numeric-value]").textContent = text ?? "—";
  tile.querySelector("[data-numeric-word]").textContent = word;
  tile.dataset.state = text == null ? "none" : state;
  delete tile.dataset.stale;
  const age = tile.querySelector("[data-age]");
  if (age && at) age.dataset.age = at;
}

const words = (text) => (text ?? "").split(/\s+/).filter(Boolean);
const typingIn = (element) => {
  const active = document.activeElement;
  return active && element.contains(active) && active.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
};

function refresh(element) {
  if (!element.isConnected) return;
  if (typingIn(element)) {
    element.addEventListener("focusout", () => plan([element]), { once: true }); // never under someone's fingers
  } else {
    window.htmx.trigger(element, "refresh");
  }
}

function flush() {
  timer = null;
  if (document.hidden) return; // caught up when the tab is looked at again
  lastFlush = performance.now();
  const due = [...waiting];
  waiting.clear();
  due.forEach(refresh);
}

function plan(elements) {
  elements.forEach((element) => waiting.add(element));
  if (waiting.size && timer === null) timer = setTimeout(flush, Math.max(GATHER_MS, lastFlush + BURST_MS - performance.now()));
}

function concerned({ topic, what }) {
  const changed = words(Array.isArray(what) ? what.join(" ") : what);
  return [...document.querySelectorAll("[data-refresh-on]")].filter((element) => {
    const wanted = words(element.dataset.refreshOn);
    const here = !element.dataset.refreshTopic || words(element.dataset.refreshTopic).includes(topic);
    return here && (changed.length === 0 || wanted.includes("*") || changed.some((word) => wanted.includes(word)));
  });
}

/** A change reaches the fragments that show it and whoever listens. */
function take(payload) {
  plan(concerned(payload));
  tell("changed", payload);
}

/** Fetch what changed between the drawing of the page and the subscription; everything, when that is not known. */
function catchUp(missed) {
  if (missed) {
    missed.forEach(([topic, what]) => take({ topic, what }));
    return;
  }
  plan([...document.querySelectorAll("[data-refresh-on]")]);
  tell("missed");
}

/** Join topics that were drawn at one mark. Only an answer makes the page live: until then a change may pass it by. */
function join(topics, mark) {
  const socket = shared.socket;
  socket.timeout(ANSWER_MS).emit("subscribe", { topics, mark }, (error, answer) => {
    if (error) {
      if (socket.connected) socket.disconnect().connect();
      return;
    }
    const refused = topics.filter((topic) => !answer.granted.includes(topic));
    if (refused.length) tell("refused", { topics: refused });
    topics.forEach((topic) => shared.topics.set(topic, "")); // a later joining is one after a lost line
    catchUp(answer.missed);
    state("online");
  });
}

/** Join everything, each mark by itself. */
function joinAll() {
  const byMark = new Map();
  shared.topics.forEach((mark, topic) => byMark.set(mark, [...(byMark.get(mark) ?? []), topic]));
  byMark.forEach((topics, mark) => join(topics, mark));
}

/** The short form of blueprints/common/figures.py as [code, value, unit, ms, quality]. */
function figures(second, parts) {
  const values = [];
  while (parts.length) {
    const part = parts.shift();
    const [code, value, at, quality] = Array.isArray(part) ? part : [part, parts.shift(), second, 0];
    values.push([code, value, "", at * 1000, quality]);
  }
  return values;
}

const state = (name) => {
  document.documentElement.dataset.socket = name;
  tell("connection", name);
};

async function connect() {
  const { io } = await import(document.body.dataset.socketio);
  const socket = io({ transports: ["websocket"], reconnectionDelay: 500, reconnectionDelayMax: 1000 });
  shared.socket = socket;
  socket.on("connect", joinAll);
  socket.on("disconnect", (reason) => {
    state("offline");
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), 500 + 1000 * Math.random());
  });
  socket.on("connect_error", () => state("offline"));
  socket.on("changed", take);
  socket.on("ended", () => location.reload()); // signed out elsewhere: nothing of a patient stays on the screen
  socket.on("numeric", (payload) => tell("numeric", payload));
  socket.on("wave", (payload) => tell("wave", payload));
  socket.on("n", (number, second, ...parts) => tell("numeric", { topic: `case:${number}`, values: figures(second, parts) }));
  document.addEventListener("visibilitychange", () => document.hidden || flush());
  addEventListener("pagehide", () => socket.close());
}

/** Listen to the rooms of one [data-live] element. */
export function start(element) {
  const mark = element.dataset.liveMark ?? "";
  const fresh = words(element.dataset.live).filter((topic) => !shared.topics.has(topic));
  fresh.forEach((topic) => shared.topics.set(topic, mark));
  if (fresh.length && shared.socket?.connected) join(fresh, mark);
  shared.starting ??= connect();
}

// Dragging on the board with mouse, pen or finger: from the pending list into a room, along and between rooms, the right
// edge for the length, back to the list. The server decides; what is shown while dragging is a hint from data attributes.
// Twin for keyboard and menus: key m on a card, or 移到… in the inspector, which post to the same routes.
import { toast } from "./toast.js";

const STEP = 5 * 60000;
const START_PX = 4;
const MIN_MINUTES = 10;
let drag = null;

/** Whether a card is in the hand. */
export const isDragging = () => drag !== null && drag.moved;

const hm = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Shanghai" });
const words = (text) => (text ?? "").split(/\s+/).filter(Boolean);
const snap = (ms) => Math.round(ms / STEP) * STEP;

/** Make the cards of one page part draggable. */
export function startDrag(root) {
  root.addEventListener("pointerdown", begin);
  root.addEventListener("pointermove", showEdge);
  root.addEventListener("dragstart", (event) => event.preventDefault());
}

/** Whether the pointer is on the right edge, which changes the length. Short cards keep room to be taken. */
function onEdge(card, event) {
  if (!card || !("resizable" in card.dataset)) return false;
  const box = card.getBoundingClientRect();
  const reach = Math.min(event.pointerType === "mouse" ? 8 : 20, box.width / 3);
  return event.clientX >= box.right - reach;
}

function showEdge(event) {
  const card = event.target.closest("[data-resizable]");
  if (card && !drag) card.classList.toggle("at-edge", onEdge(card, event));
}

function begin(event) {
  if (event.button !== 0 || drag) return;
  const card = event.target.closest("[data-card]");
  const isEdge = onEdge(card, event);
  if (!card || !document.querySelector("[data-board]") || (!isEdge && !("movable" in card.dataset))) return;
  const box = card.getBoundingClientRect();
  drag = {
    card, isEdge, box, pointer: event.pointerId, moved: false,
    x: event.clientX, y: event.clientY,
    minutes: Number(card.dataset.minutes),
    start: card.dataset.start ? Number(card.dataset.start) : null,
    target: null,
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", abandon);
  addEventListener("keydown", escape, true);
}

function move(event) {
  if (event.pointerId !== drag.pointer) return;
  if (!drag.moved) {
    if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < START_PX) return;
    pickUp();
  }
  event.preventDefault();
  drag.target = drag.isEdge ? stretched(event) : aimed(event);
  scrollNearEdge(event);
  draw(event);
}

function pickUp() {
  drag.moved = true;
  drag.card.classList.add("is-dragged");
  document.body.classList.add("is-dragging");
  document.body.classList.toggle("is-resizing", drag.isEdge);
  drag.ghost = document.createElement("div");
  drag.ghost.className = "drag-ghost";
  drag.ghost.setAttribute("aria-hidden", "true");
  document.body.append(drag.ghost);
}

/** The scale of a track: where it is on the screen and what its ends mean. */
function scale(track) {
  const { first, minutes } = document.querySelector("[data-board]").dataset;
  const box = track.getBoundingClientRect();
  return { box, first: Number(first), span: Number(minutes) * 60000 };
}

function stretched(event) {
  const track = drag.card.closest("[data-track]");
  const { box, first, span } = scale(track);
  const end = snap(first + ((event.clientX - box.left) / box.width) * span);
  const minutes = Math.max(MIN_MINUTES, Math.round((end - drag.start) / 60000));
  return { track, room: track.dataset.track, start: drag.start, minutes };
}

function aimed(event) {
  const under = document.elementsFromPoint(event.clientX, event.clientY);
  const track = under.find((element) => element.matches("[data-track], [data-track] *, .track-cell"))?.closest(".track-cell")?.querySelector("[data-track]");
  if (track) {
    const { box, first, span } = scale(track);
    const held = drag.start === null ? 0 : drag.x - drag.box.left; // grasp a placed card where it was taken
    const start = snap(first + ((event.clientX - held - box.left) / box.width) * span);
    return { track, room: track.dataset.track, start, minutes: drag.minutes };
  }
  const back = drag.start !== null && under.some((element) => element.closest("[data-pending]"));
  return back ? { back: true } : null;
}

/** What the plan would collide with, as far as this page knows; the server checks again. */
function hints({ room, start, minutes }) {
  const end = start + minutes * 60000;
  const mine = drag.card.dataset;
  const staff = words(mine.staff);
  const found = new Set();
  for (const other of document.querySelectorAll("[data-track] [data-card]")) {
    const { card, start: otherStart, end: otherEnd, roomId, name, staff: otherStaff, patient } = other.dataset;
    if (card === mine.card || start >= Number(otherEnd) || Number(otherStart) >= end) continue;
    if (roomId === room) found.add(`与 ${name} 重叠`);
    if (words(otherStaff).some((id) => staff.includes(id))) found.add(`人员同时在 ${name} 的手术`);
    if (patient === mine.patient) found.add("患者同时另有手术");
  }
  return [...found];
}

function draw(event) {
  const { ghost, target } = drag;
  const style = ghost.style;
  if (!target || target.back) {
    style.left = `${event.clientX + 12}px`;
    style.top = `${event.clientY + 12}px`;
    style.width = style.height = "auto";
    ghost.textContent = target ? "松开：撤回待排" : drag.start === null ? "拖到手术间的时间上" : "松开：不改动";
    ghost.dataset.state = target ? "back" : "none";
    return;
  }
  const { box, first, span } = scale(target.track);
  style.left = `${box.left + ((target.start - first) / span) * box.width}px`;
  style.top = `${box.top}px`;
  style.width = `${((target.minutes * 60000) / span) * box.width}px`;
  style.height = `${box.height}px`;
  const problems = hints(target);
  ghost.dataset.state = problems.length ? "conflict" : "free";
  const label = document.createElement("span");
  label.className = "drag-label";
  const time = document.createElement("b");
  time.textContent = `${hm.format(target.start)}–${hm.format(target.start + target.minutes * 60000)}`;
  label.append(time, ` ${target.track.dataset.room} ${target.minutes} 分钟`);
  for (const problem of problems) {
    const line = document.createElement("span");
    line.textContent = problem;
    label.append(line);
  }
  ghost.replaceChildren(label);
}

function scrollNearEdge(event) {
  const area = document.querySelector("[data-board]");
  const box = area.getBoundingClientRect();
  const near = 36;
  if (event.clientX > box.right - near) area.scrollLeft += 16;
  else if (event.clientX < box.left + 96 + near && event.clientX > box.left) area.scrollLeft -= 16;
  if (event.clientY > box.bottom - near) area.scrollTop += 12;
  else if (event.clientY < box.top + 26 + near) area.scrollTop -= 12;
}

function drop(event) {
  if (event.pointerId !== drag.pointer) return;
  const { card, isEdge, moved, target, minutes, start } = drag;
  if (moved) swallowClick();
  finish();
  if (!moved || !target) return;
  const unchanged = !target.back && target.start === start && target.minutes === minutes && target.room === card.dataset.roomId;
  if (unchanged) return;
  send(card, isEdge ? "resize" : target.back ? "unplace" : "place", target);
}

/** Post a plan of a card; the answer redraws the day. Resolves to whether the board now shows it. */
async function post(id, verb, values) {
  const card = document.querySelector(`#day [data-card="${id}"]`);
  card?.classList.add("is-sent");
  const version = card?.dataset.version;
  try {
    await window.htmx.ajax("POST", `/schedule/cases/${id}/${verb}`, { source: document.body, target: "#day", swap: "morph:outerHTML", values: { version, ...values } });
  } catch {
    toast("没有保存：请求没有送达", "danger");
  } finally {
    card?.classList.remove("is-sent");
  }
  const after = document.querySelector(`#day [data-card="${id}"]`);
  return after !== null && after.dataset.version !== version;
}

const placing = (room, start, minutes) => ({ room_id: room, start: new Date(start).toISOString(), minutes });

async function send(card, verb, target) {
  const { card: id, roomId, start, minutes } = card.dataset;
  const back = start ? ["place", placing(roomId, Number(start), minutes)] : ["unplace", {}];
  const undo = verb === "resize" ? ["resize", { minutes }] : back;
  const values = { place: () => placing(target.room, target.start, target.minutes), resize: () => ({ minutes: target.minutes }), unplace: () => ({}) }[verb]();
  if (await post(id, verb, values)) remember({ id, verb: undo[0], values: undo[1] });
}

// --- the last moves of this person on this page can be taken back, the latest first
const moves = [];

function remember(move) {
  moves.push(move);
  showUndo();
}

function showUndo() {
  const button = document.querySelector("[data-undo]");
  if (button) button.disabled = moves.length === 0;
}

document.addEventListener("click", async ({ target }) => {
  if (!target.closest?.("[data-undo]") || !moves.length) return;
  const { id, verb, values } = moves.pop();
  showUndo();
  await post(id, verb, values);
});

/** The click that follows a drag opens nothing. */
function swallowClick() {
  const stop = (event) => {
    event.stopPropagation();
    event.preventDefault();
  };
  addEventListener("click", stop, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", stop, true), 0);
}

function abandon(event) {
  if (!event.pointerId || event.pointerId === drag?.pointer) finish();
}

function escape(event) {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  finish();
}

function finish() {
  if (!drag) return;
  drag.ghost?.remove();
  drag.card.classList.remove("is-dragged");
  document.body.classList.remove("is-dragging", "is-resizing");
  removeEventListener("pointermove", move);
  removeEventListener("pointerup", drop);
  removeEventListener("pointercancel", abandon);
  removeEventListener("keydown", escape, true);
  drag = null;
  document.dispatchEvent(new CustomEvent("schedule:dropped"));
}

// The scheduling page: search, selection, the now line, and what the board does with answers and refreshes.
import { now } from "./clock.js";
import { mount } from "./mount.js";
import { isDragging, startDrag } from "./schedule-drag.js";

const day = () => document.getElementById("day");
const board = () => document.querySelector("[data-board]");

// --- search: what does not match fades, so that the plan keeps its shape; Enter asks for other days
const filterInput = document.querySelector("[data-filter]");

function filter() {
  const text = (filterInput?.value ?? "").trim().toLowerCase();
  for (const card of document.querySelectorAll("#day [data-card]")) {
    card.classList.toggle("is-faded", text !== "" && !card.dataset.words.includes(text));
  }
}
filterInput?.addEventListener("input", filter);
filterInput?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && filterInput.value.trim()) {
    event.preventDefault();
    window.htmx.trigger(filterInput, "find");
  }
});

// --- the card shown in the inspector is marked on the board
function markCurrent() {
  const current = document.querySelector("[data-inspects]")?.dataset.inspects;
  for (const card of document.querySelectorAll("#day [data-card]")) {
    if (card.dataset.card === current) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
  }
}

// --- folded parts stay as the person left them
const opened = new Set();
document.addEventListener("toggle", ({ target }) => {
  const key = target.dataset?.keepOpen;
  if (key) opened[target.open ? "add" : "delete"](key);
}, true);
function reopen() {
  for (const part of document.querySelectorAll("[data-keep-open]")) {
    if (opened.has(part.dataset.keepOpen)) part.open = true;
  }
}

// --- the now line goes on between two refreshes
function moveNowLine() {
  const area = board();
  if (!area || area.dataset.today !== "true") return;
  const share = ((now() - Number(area.dataset.first)) / 60000 / Number(area.dataset.minutes)) * 100;
  for (const line of area.querySelectorAll("[data-now]")) {
    line.setAttribute("x1", `${share}%`);
    line.setAttribute("x2", `${share}%`);
  }
}
setInterval(moveNowLine, 20000);

// --- answers
const root = document.body;
root.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // 409 is an answer, not a failure: a collision asks in a dialog; a stale card has a toast and the board is fetched again.
  if (detail.xhr.status !== 409) return;
  detail.isError = false;
  detail.shouldSwap = detail.xhr.getResponseHeader("HX-Retarget") !== null;
  if (!detail.shouldSwap) window.htmx.trigger(day(), "refresh");
});
let missed = false;
root.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt === day() && isDragging()) {
    event.preventDefault(); // never move the board under a finger
    missed = true;
  }
});
document.addEventListener("schedule:dropped", () => {
  if (missed) window.htmx.trigger(day(), "refresh");
  missed = false;
});
root.addEventListener("htmx:afterSettle", () => {
  filter();
  markCurrent();
  reopen();
});
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-close-panel]")) setTimeout(markCurrent);
});

// --- keys on a card: m moves it, Enter opens it (a button does that by itself, a row does not)
document.addEventListener("keydown", (event) => {
  const card = event.target.closest?.("[data-card]");
  if (!card || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "m" && "movable" in card.dataset) {
    event.preventDefault();
    window.htmx.ajax("GET", `/schedule/cases/${card.dataset.card}/move`, { target: "#dialog", swap: "innerHTML", source: card });
  } else if (event.key === "Enter" && card.matches("tr")) {
    card.click();
  }
}, true);

mount("[data-submit-on-change]", (form) => form.addEventListener("change", () => form.requestSubmit()));
mount("#day", (element) => startDrag(element));
filter();

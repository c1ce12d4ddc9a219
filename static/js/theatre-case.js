// The theatre page: panels, command line, keypad, undo line. Chart and figures have modules of their own.
import { mount } from "./mount.js";
import { start as startChart } from "./theatre-chart.js";
import { start as startFigures } from "./theatre-figures.js";

const UNDO_MS = 30_000;
const side = document.getElementById("side");
const written = document.getElementById("written");
let figure = null; // the number field that was touched last: chips and keypad write into it

mount("[data-chart]", startChart);
mount("[data-figures]", startFigures);

// --- panels -------------------------------------------------------------------------------------------------------

function focusFirst() {
  const field = side.querySelector("[data-autofocus]");
  figure = side.querySelector(".input-figure[data-autofocus]") ?? side.querySelector(".input-figure");
  if (!field) return;
  field.focus();
  field.select?.();
}

function fill(button) {
  const scope = button.closest("form") ?? side;
  const field = scope.querySelector(`[name="${button.dataset.fill}"]`);
  if (!field) return;
  field.value = button.dataset.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  if (field.classList.contains("input-figure")) figure = field;
}

function pressKey(key) {
  if (!figure?.isConnected) figure = side.querySelector(".input-figure");
  if (!figure) return;
  if (figure.dataset.fresh !== "false") {
    figure.value = key === "back" ? figure.value : ""; // the first digit replaces what was offered
    figure.dataset.fresh = "false";
  }
  figure.value = key === "back" ? figure.value.slice(0, -1) : figure.value + key;
}

side.addEventListener("focusin", ({ target }) => {
  if (!target.classList.contains("input-figure") || target === figure) return;
  figure = target;
  delete figure.dataset.fresh;
});
side.addEventListener("input", ({ target }) => {
  if (target.classList.contains("input-figure")) target.dataset.fresh = "false";
  if (target === document.activeElement) narrow(target);
});

// Typing into the field that offers stand below leaves only those that fit: by words, initials or full pinyin.
function narrow(field) {
  const offers = side.querySelector(`[data-narrow="${CSS.escape(field.name ?? "")}"]`);
  if (!offers) return;
  const word = field.value.trim().toLowerCase();
  const all = [...offers.querySelectorAll("[data-words]")];
  for (const one of all) one.hidden = Boolean(word) && !one.dataset.words.toLowerCase().includes(word);
  if (word && all.every((one) => one.hidden)) for (const one of all) one.hidden = false;
  for (const fold of offers.querySelectorAll("details")) fold.open = Boolean(word);
}

side.addEventListener("click", ({ target }) => {
  const chip = target.closest("[data-fill]");
  if (chip) fill(chip);
  const key = target.closest("[data-key]");
  if (key) pressKey(key.dataset.key);
});
side.addEventListener("change", ({ target }) => {
  const offered = target.selectedOptions?.[0]?.dataset.value;
  if (target.dataset.defaults && offered !== undefined) {
    target.form.elements.namedItem(target.dataset.defaults).value = offered;
  }
});
// Enter goes through the figures of a slot one by one; the last one writes.
side.addEventListener("keydown", (event) => {
  const grid = event.target.closest?.(".entry-grid");
  if (event.key === "Escape") {
    side.replaceChildren();
    event.preventDefault();
  } else if (event.key === "Enter" && grid) {
    const fields = [...grid.querySelectorAll("input")];
    const next = fields[fields.indexOf(event.target) + 1];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.select();
  }
});

// --- command line -------------------------------------------------------------------------------------------------

const command = document.querySelector("[data-command]");
const understood = document.getElementById("understood");
let waiting = false; // Enter came before the answer

function clearCommand() {
  if (!command) return;
  command.reset();
  understood.replaceChildren();
  waiting = false;
}

function confirmReady() {
  const ready = understood.querySelector("[data-ready]");
  if (ready) window.htmx.trigger(ready, "submit");
  else understood.querySelector("button")?.focus();
  return Boolean(ready);
}

const isFresh = () => understood.dataset.for === command.elements.text.value.trim();

command?.addEventListener("submit", (event) => event.preventDefault());
command?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    clearCommand();
    event.target.blur();
    event.preventDefault();
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    if (!command.elements.text.value.trim()) return;
    if (isFresh()) confirmReady();
    else waiting = true;
  }
});
document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target === side) focusFirst();
});
document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target !== understood) return;
  understood.dataset.for = new URLSearchParams(detail.pathInfo.finalRequestPath.split("?")[1]).get("text")?.trim() ?? "";
  if (waiting && isFresh()) {
    waiting = false;
    confirmReady();
  }
});

// --- what was written, and its undo -------------------------------------------------------------------------------

let fading = null;
document.body.addEventListener("written", ({ target }) => {
  const isUndo = written.contains(target); // taking back leaves an open panel alone
  if (target.closest("#understood, #dialog")) clearCommand();
  document.body.dispatchEvent(new CustomEvent("close-dialog"));
  if (!isUndo) side.replaceChildren();
  clearTimeout(fading);
  fading = setTimeout(() => written.replaceChildren(), UNDO_MS);
  document.dispatchEvent(new CustomEvent("mafei:written"));
});

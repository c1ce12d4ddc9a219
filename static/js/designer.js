// Designer of forms: the name of a new field is ready to be typed over; fields and functions go into the formula.
import { mount } from "./mount.js";

const chooseName = () => {
  const name = document.querySelector("#inspector[data-focus] [name=label]");
  if (!name) return;
  name.form.removeAttribute("data-focus");
  name.focus();
  name.select();
};
document.body.addEventListener("htmx:afterSettle", chooseName);

// A drawing that comes while somebody types must not take away what was typed since its question was sent, nor close
// what was opened.
const typed = new Set(); // ids of entries touched since the last request was sent
let kept = null;
const chosen = () => document.querySelector("#inspector [name=entries]")?.value;
document.addEventListener("input", ({ target }) => target.id && target.closest("#inspector, #publish") && typed.add(target.id));
document.body.addEventListener("htmx:beforeRequest", () => typed.clear());
document.body.addEventListener("htmx:beforeSwap", () => {
  const values = [...typed].map((id) => [id, document.getElementById(id)?.value]);
  const opened = [...document.querySelectorAll("#inspector details[open][id]")].map((one) => one.id);
  kept = { chosen: chosen(), values, opened };
});
document.body.addEventListener("htmx:afterSwap", () => {
  if (!kept || kept.chosen !== chosen()) return;
  for (const id of kept.opened) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, value] of kept.values) {
    const entry = document.getElementById(id);
    if (!entry || value === undefined) continue;
    if (entry.value !== value) entry.value = value;
    // The browser takes a value set by a script for the one at the start, so it would not tell of the change.
    if (entry === document.activeElement) entry.addEventListener("blur", () => save(entry), { once: true });
    else save(entry);
  }
  kept = null;
});
const save = (entry) => entry.dispatchEvent(new Event("change", { bubbles: true }));

// Enter leaves an entry (which saves it) and goes on to the next, as in the form itself.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches("#inspector input:not([type=checkbox])")) return;
  event.preventDefault();
  const all = [...event.target.form.querySelectorAll("input:not([type=hidden]):not([readonly]), select, textarea")].filter((one) => one.offsetParent);
  all[all.indexOf(event.target) + 1]?.focus();
});

mount("[data-insert]", (list) => {
  list.addEventListener("click", ({ target }) => {
    const area = document.getElementById(list.dataset.insert);
    const words = target.closest("[data-text]")?.dataset.text;
    if (!words || !area) return;
    const at = area.selectionStart ?? area.value.length;
    area.setRangeText(words, at, area.selectionEnd ?? at, "end");
    if (words.endsWith("()")) area.setSelectionRange(area.selectionEnd - 1, area.selectionEnd - 1);
    area.focus();
    area.dispatchEvent(new Event("change", { bubbles: true }));
  });
});

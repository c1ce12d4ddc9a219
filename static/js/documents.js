// Documents: the form by keyboard, the list of what is missing, rows, body marks, phrases and the signature pad.
import { mount } from "./mount.js";
import { now } from "./clock.js";

const SINGLE = "input:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([type=file])";
const CONTROLS = "input:not([type=hidden]), select, textarea, button[data-sign]";
const opened = now();
let field = null; // control that last had the focus, where a phrase goes

const shown = (element) => element.offsetParent !== null && !element.disabled;

/** Bring a place of the form into sight and give its first control the focus. */
function jump(hash) {
  const place = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
  if (!place) return;
  place.scrollIntoView({ block: place.matches("section") ? "start" : "center" });
  const control = [...place.querySelectorAll("input:not([type=hidden]), select, textarea, button:not(.phrase-button)")].find(shown);
  if (!place.matches("section")) control?.focus({ preventScroll: true });
}

mount("[data-document-form]", (form) => {
  form.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // the input method owns the keys
    if (event.altKey && event.key.toLowerCase() === "p") {
      event.target.closest("[data-document-field]")?.querySelector(".phrase-button")?.click();
      event.preventDefault();
    }
    const leaves = event.key === "Enter" && !event.defaultPrevented && event.target.matches(`${SINGLE}, select`);
    if (!leaves || !event.target.closest("[data-document-field]")) return;
    event.preventDefault(); // Enter goes on to the next field; leaving the field saves it
    const all = [...form.querySelectorAll(`.document-form :is(${CONTROLS})`)].filter(shown);
    const next = all.slice(all.indexOf(event.target) + 1).find((control) => control.type !== "radio" || control.checked || !control.form.querySelector(":checked"));
    next?.focus();
    next?.select?.();
  });
  form.addEventListener("focusin", ({ target }) => {
    if (target.matches("textarea, input[name=value]")) field = target.id;
  });
  form.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link) return;
    event.preventDefault();
    history.replaceState(null, "", link.hash);
    jump(link.hash);
  });
  jump(location.hash);
});

// 下一处: from the place of the focus to the next line of the list, then again from the top.
mount("[data-next-gap]", (button) => {
  button.addEventListener("click", () => {
    const links = [...document.querySelectorAll("[data-gaps] a")];
    const here = links.findIndex((link) => link.hash === location.hash);
    const next = links[(here + 1) % links.length];
    if (!next) return;
    history.replaceState(null, "", next.hash);
    jump(next.hash);
  });
});

// One line tells whether everything is on the server.
mount("[data-save-state]", (line) => {
  // After the swap the element of the event is the parent; the form that asked is in its configuration.
  const ours = (event) => (event.detail.requestConfig?.elt ?? event.detail.elt).closest?.(".document-field-form");
  const tell = (text, state) => {
    line.textContent = text;
    line.dataset.state = state;
  };
  document.body.addEventListener("htmx:beforeRequest", (event) => ours(event) && tell("正在保存…", "busy"));
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (!ours(event)) return;
    const at = new Date(now()).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
    if (event.detail.successful) tell(`已保存 ${at}`, "done");
    else tell("有一项没有保存，请看红色的提示", "failed");
  });
});

// What is typed while an answer is on its way is newer than the answer: the form stays as it is and learns only the
// version that the server has now. It is saved again when it is left; where that was already asked, at once.
const newer = new Set();
const note = ({ target }) => newer.add(target.closest?.(".document-field-form"));
for (const name of ["input", "change"]) document.addEventListener(name, note, true);
document.body.addEventListener("htmx:beforeRequest", ({ detail }) => newer.delete(detail.elt));
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const form = detail.requestConfig?.elt;
  if (!newer.has(form) || !form.isConnected) return;
  detail.swapOverride = "none"; // what depends on the field still comes
  const page = new DOMParser().parseFromString(detail.serverResponse, "text/html");
  const version = page.getElementById(detail.target.id)?.querySelector("[name=version]");
  if (version) form.elements.version.value = version.value;
});
document.body.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  if ([...newer].some((form) => form?.isConnected && detail.target.contains(form))) detail.shouldSwap = false;
});

// A table is saved when the focus leaves it.
mount("[data-rows-form]", (form) => {
  let touched = false;
  form.addEventListener("input", () => (touched = true));
  form.addEventListener("change", () => (touched = true));
  form.addEventListener("submit", () => (touched = false));
  form.addEventListener("focusout", () => {
    setTimeout(() => touched && form.isConnected && !form.contains(document.activeElement) && form.requestSubmit(), 0);
  });
});

mount("[data-add-row]", (button) => {
  button.addEventListener("click", () => {
    const body = button.closest("form").querySelector("[data-document-rows] tbody");
    const row = body.lastElementChild.cloneNode(true);
    const number = String(body.children.length + 1);
    for (const control of row.querySelectorAll("input:not([type=hidden]), select")) {
      control.value = "";
      control.setAttribute("aria-label", control.getAttribute("aria-label").replace(/\d+$/, number));
      const list = control.getAttribute("aria-controls")?.replace(/\d+-list$/, `${number}-list`);
      if (!list) continue;
      control.setAttribute("aria-controls", list);
      control.parentElement.querySelector("[role=listbox]").id = list;
    }
    body.append(row);
    window.htmx.process(row);
    document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: row } }));
    row.querySelector("input:not([type=hidden]), select").focus();
  });
});

// A row goes with its button or Ctrl+Delete; the last one is only emptied, so that there is always one to fill.
function drop(row) {
  const form = row.closest("form");
  const neighbour = row.nextElementSibling ?? row.previousElementSibling;
  if (neighbour) row.remove();
  else for (const control of row.querySelectorAll("input, select")) control.value = "";
  (neighbour ?? row).querySelector("input:not([type=hidden]), select").focus();
  form.dispatchEvent(new Event("change")); // touched: saved when the focus leaves the table
}
mount("[data-document-rows]", (table) => {
  table.addEventListener("click", (event) => event.target.closest("[data-drop-row]") && drop(event.target.closest("tr")));
  table.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey && event.key === "Delete")) return;
    event.preventDefault();
    drop(event.target.closest("tr"));
  });
});

// An answer given by mistake is taken back with Delete or by choosing it again.
mount(".document-field-form input[type=radio]", (radio) => {
  let was = false;
  const clear = () => {
    radio.checked = false;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const label = radio.closest("label");
  label.addEventListener("pointerdown", () => (was = radio.checked));
  label.addEventListener("click", (event) => {
    if (event.target === radio && was) clear();
    if (event.target === radio) was = false;
  });
  radio.addEventListener("keydown", (event) => {
    if (event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    clear();
  });
});

// A tap on the body fills the first free line; the note is typed beside it.
mount("[data-mark-editor]", (editor) => {
  const figure = editor.querySelector("[data-body]");
  figure.addEventListener("click", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(figure.getScreenCTM().inverse());
    const row = [...editor.querySelectorAll("[data-mark-rows] .row")].find((line) => !line.querySelector("[name=x]").value);
    if (!row || point.x < 0 || point.x > 100 || point.y < 0 || point.y > 100) return;
    row.querySelector("[name=x]").value = point.x.toFixed(1);
    row.querySelector("[name=y]").value = point.y.toFixed(1);
    row.querySelector("[name=y]").dispatchEvent(new Event("change", { bubbles: true }));
  });
});

// The panel takes room from the form: what was pressed for it stays where it was under the eye.
let anchor = null; // [element, its distance from the top before the form grew narrower]
const side = document.getElementById("side");
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target !== side || side.firstElementChild) return;
  const element = detail.requestConfig?.elt;
  anchor = element?.closest(".document-form") ? [element, element.getBoundingClientRect().top] : null;
});
document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target !== side || !anchor?.[0].isConnected) return;
  window.scrollBy({ top: anchor[0].getBoundingClientRect().top - anchor[1], behavior: "instant" });
  anchor = null;
});

// A phrase goes to the field from which the library was opened, at the cursor. From the search, Enter takes the first
// one found, the arrows walk through the list, Escape goes back to the field.
mount("[data-phrases]", (panel) => {
  const target = () => document.getElementById(panel.dataset.target) ?? document.getElementById(field);
  panel.addEventListener("keydown", (event) => {
    if (event.isComposing || !event.target.matches("[name=q], [data-phrase]")) return;
    const rows = [...panel.querySelectorAll("[data-phrase]")];
    const at = rows.indexOf(event.target);
    if (event.key === "Enter" && at < 0) rows[0]?.click();
    else if (event.key === "ArrowDown") rows[at + 1]?.focus();
    else if (event.key === "ArrowUp") (rows[at - 1] ?? panel.querySelector("[name=q]")).focus();
    else if (event.key === "Escape" && !(at < 0 && event.target.value)) {
      panel.querySelector("[data-close-panel]").click();
      target()?.focus();
    } else return;
    event.preventDefault();
  });
  panel.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-phrase]");
    const control = target();
    if (!chosen || !control) return;
    const { value, selectionStart: start, selectionEnd: end } = control;
    const text = chosen.dataset.phrase;
    const alone = value.trim() === "";
    control.value = alone ? text : value.slice(0, start ?? value.length) + text + value.slice(end ?? value.length);
    control.focus();
    const cursor = alone ? text.length : (start ?? value.length) + text.length;
    control.setSelectionRange?.(cursor, cursor);
    control.dispatchEvent(new Event("change", { bubbles: true }));
  });
});
mount("[data-take-text]", (input) => {
  const control = document.getElementById(input.dataset.takeText);
  if (control && !input.value) input.value = control.value;
});

// How long the stage was open before somebody signed it (a check of three seconds is none).
mount("input[data-seconds-open]", (input) => {
  input.form.addEventListener("submit", () => (input.value = String(Math.round((now() - opened) / 1000))), true);
  input.value = String(Math.round((now() - opened) / 1000));
});

mount("[data-signature-pad]", (canvas) => {
  const field = canvas.closest(".field"); // several parties may sign in one form
  const target = field.querySelector("input[type=hidden]");
  const pen = canvas.getContext("2d");
  let drawing = false;
  pen.lineWidth = 3;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    drawing = true;
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    pen.lineTo(...place(event));
    pen.stroke();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (!drawing) return;
      drawing = false;
      target.value = canvas.toDataURL("image/png");
    });
  }
  field.querySelector("[data-clear-pad]").addEventListener("click", () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    target.value = "";
  });
});

// Tick or untick every line of a list at once, from the head of its first column.
mount("[data-check-all]", (form) => {
  const boxes = [...form.querySelectorAll("tbody input[type=checkbox]:not(:disabled)")];
  const head = form.querySelector("thead th");
  if (!head || boxes.length < 2) return;
  const all = Object.assign(document.createElement("input"), { type: "checkbox" });
  all.setAttribute("aria-label", "全选");
  const show = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  form.addEventListener("change", show);
  const label = Object.assign(document.createElement("label"), { className: "check" });
  label.append(all, head.textContent);
  head.replaceChildren(label);
  show();
});

// Keys: any element with data-shortcut="s" (or "Alt+n", "g r" is not supported: one stroke each) is pressed by it.
// `?` shows the map of this page, made from the same attributes.

const NAMES = { " ": "Space", Esc: "Escape" };

/** "Ctrl+Shift+s" style name of a key event. A shifted sign such as ? counts as itself. */
function stroke(event) {
  const key = NAMES[event.key] ?? event.key;
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && key.length > 1) parts.push("Shift");
  parts.push(key.length === 1 ? key.toLowerCase() : key);
  return parts.join("+");
}

const typing = (target) => target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const visible = (element) => element.offsetParent !== null || element.closest("dialog[open], details") !== null;

/** Elements that listen to a key, only those of the open dialog while one is open. */
function listeners() {
  const scope = document.querySelector("dialog[open]") ?? document;
  return [...scope.querySelectorAll("[data-shortcut]")].filter((element) => !element.disabled && visible(element));
}

function press(element) {
  if (element.matches("input, textarea, select")) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
}

const label = (element) => {
  const copy = element.cloneNode(true);
  copy.querySelectorAll("kbd").forEach((kbd) => kbd.remove());
  return element.dataset.shortcutLabel || element.getAttribute("aria-label") || copy.textContent.trim() || element.labels?.[0]?.textContent || "";
};

/** Show the keys of this page in the dialog host. */
export function showMap() {
  const host = document.querySelector("[data-dialog-host]");
  if (!host || host.open) return;
  const rows = [...listeners().map((element) => [element.dataset.shortcut, label(element)]), ["?", "显示本页的键盘操作"], ["Escape", "关闭菜单、对话框、侧栏"]];
  const list = document.createElement("div");
  list.className = "dialog-body shortcut-list";
  for (const [key, words] of new Map(rows)) {
    const kbd = document.createElement("kbd");
    kbd.textContent = key;
    const text = document.createElement("span");
    text.textContent = words;
    list.append(kbd, text);
  }
  const head = document.createElement("header");
  head.className = "dialog-head";
  head.innerHTML = '<h2 id="dialog-title">键盘操作</h2><button type="button" class="close" data-close-dialog aria-label="关闭"></button>';
  host.className = "dialog";
  host.replaceChildren(head, list);
  host.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const name = stroke(event);
  const plain = !event.ctrlKey && !event.altKey && !event.metaKey && !/^F\d+$/.test(event.key);
  if (plain && typing(event.target)) return;
  const element = listeners().find((candidate) => candidate.dataset.shortcut.toLowerCase() === name.toLowerCase());
  if (element) {
    event.preventDefault();
    press(element);
  } else if (event.key === "?") {
    event.preventDefault();
    showMap();
  }
});
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-show-shortcuts]")) showMap();
});

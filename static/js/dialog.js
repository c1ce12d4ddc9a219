// The one dialog, the side panel and the action menus. The server sends their content; this opens and closes.

const host = document.querySelector("[data-dialog-host]");
const side = document.getElementById("side");
let opener = null;

const announce = () => document.dispatchEvent(new CustomEvent("mafei:dialog"));

function show(asker) {
  const content = host.firstElementChild;
  if (!content) return close();
  host.className = "dialog";
  const { dialogKind, dialogWide } = content.dataset;
  if (dialogKind) host.classList.add(`dialog-${dialogKind}`);
  if (dialogWide !== undefined) host.classList.add("dialog-wide");
  if (!host.open) {
    opener = asker?.isConnected ? asker : document.activeElement;
    host.showModal();
  }
  const first = host.querySelector("[autofocus], .field-invalid .input, .dialog-body .input, .dialog-body input:not([type=hidden])");
  (first ?? host.querySelector("[data-close-dialog].button") ?? host).focus();
  announce();
}

/** Close the dialog and give the focus back to what opened it. */
export function close() {
  if (host.open) host.close();
}

host?.addEventListener("close", () => {
  announce();
  host.replaceChildren();
  if (opener?.isConnected) opener.focus();
  opener = null;
});
host?.addEventListener("mousedown", (event) => {
  if (event.target === host && !host.querySelector("form")) close(); // a click beside never loses what was typed
});
document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target === host) show(detail.requestConfig?.elt);
  if (detail.target === side) side.querySelector("[autofocus]")?.focus();
});
document.body.addEventListener("close-dialog", close);
document.body.addEventListener("close-panel", closePanel);

function closePanel() {
  side?.replaceChildren();
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-close-dialog]")) close();
  if (target.closest?.("[data-close-panel]")) closePanel();
  const menu = target.closest?.("details[data-menu]");
  const chosen = target.closest?.(".menu-item");
  closeMenus(chosen ? null : menu);
});

function moveInMenu(menu, step) {
  const items = [...menu.querySelectorAll(".menu-item:not(:disabled)")];
  const at = items.indexOf(document.activeElement);
  items.at((at + step + items.length) % items.length)?.focus();
}

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details[data-menu]");
  if (event.key === "Escape") {
    const open = document.querySelector("details[data-menu][open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
      event.preventDefault();
    } else if (!host?.open && side?.firstElementChild && !event.target.closest?.("input, textarea, select")) {
      closePanel();
    }
  } else if (menu && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    menu.open = true;
    moveInMenu(menu, event.key === "ArrowDown" ? 1 : menu.contains(document.activeElement) ? -1 : 0);
    event.preventDefault();
  }
});

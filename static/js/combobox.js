// Dictionary search by Chinese, code or pinyin initials. The server answers with `options` rows.

const WAIT_MS = 120;

/** Give one [data-combobox] element its behaviour. Fires `chosen` {value, text, data} on it. */
export function start(root) {
  const input = root.querySelector("[role=combobox]");
  const hidden = root.querySelector("[data-combobox-value]");
  const list = root.querySelector("[role=listbox]");
  const free = "free" in root.dataset;
  let chosenText = input.value;
  let asked = 0;
  let timer;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const current = () => list.querySelector("[aria-selected=true]");

  const open = (on) => {
    list.hidden = !on;
    input.setAttribute("aria-expanded", String(on));
    if (!on) input.removeAttribute("aria-activedescendant");
  };

  const mark = (option) => {
    current()?.setAttribute("aria-selected", "false");
    if (!option) return;
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };

  const search = async () => {
    const turn = ++asked;
    const url = new URL(root.dataset.url, location.href);
    url.searchParams.set("q", input.value.trim());
    try {
      const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      if (turn !== asked) return;
      list.innerHTML = html;
    } catch {
      if (turn !== asked) return;
      list.innerHTML = '<p class="combobox-empty">查不到：网络或服务器没有回答</p>';
    }
    options().forEach((option, index) => (option.id = `${list.id}-${index}`));
    mark(options()[0]);
    open(true);
  };

  const choose = (option) => {
    const { value, text, ...data } = option.dataset;
    hidden.value = value;
    input.value = chosenText = text;
    open(false);
    hidden.dispatchEvent(new Event("change", { bubbles: true }));
    root.dispatchEvent(new CustomEvent("chosen", { bubbles: true, detail: { value, text, data } }));
  };

  const leave = () => {
    clearTimeout(timer);
    asked += 1;
    open(false);
    if (input.value === chosenText) return;
    if (!free && input.value.trim() !== "") input.value = chosenText; // half a word is not a choice
    else {
      hidden.value = "";
      chosenText = input.value;
      hidden.dispatchEvent(new Event("change", { bubbles: true }));
    }
  };

  const step = (by) => {
    const all = options();
    if (list.hidden) return search();
    mark(all[(all.indexOf(current()) + by + all.length) % all.length]);
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, WAIT_MS);
  });
  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", () => list.hidden && search());
  input.addEventListener("blur", leave);
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // keep the focus in the input
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // the input method owns the keys
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !list.hidden && current()) {
      event.preventDefault();
      choose(current());
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      open(false);
    }
  });
}

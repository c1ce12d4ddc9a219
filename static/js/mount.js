// Attach behaviour to elements that exist now and to those that htmx brings later; once per element.

/** Call `start(element)` once for every element that matches `selector`, now and after each swap. */
export function mount(selector, start) {
  const seen = new WeakSet();
  const visit = (root) => {
    const found = [...root.querySelectorAll(selector)];
    if (root.matches?.(selector)) found.unshift(root);
    for (const element of found) {
      if (seen.has(element)) continue;
      seen.add(element);
      start(element);
    }
  };
  visit(document);
  document.addEventListener("htmx:load", (event) => visit(event.detail.elt ?? event.target));
}

/** Load a module of this folder only when something on the page asks for it. */
export function mountLazily(selector, load) {
  mount(selector, async (element) => (await load()).start(element));
}

// A workstation left alone locks itself. Tabs of one browser share the moment of the last touch.

const KEY = "mafei:last-touch";

/** Lock after data-idle-minutes without a touch by going to data-lock-url (with the way back). */
export function start(element) {
  const limitMs = Number(element.dataset.idleMinutes) * 60_000;
  if (!(limitMs > 0) || !element.dataset.lockUrl) return;
  let written = 0;
  const touch = () => {
    const at = Date.now();
    if (at - written < 5000) return;
    written = at;
    localStorage.setItem(KEY, String(at));
  };
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    addEventListener(kind, touch, { passive: true, capture: true });
  }
  touch();
  setInterval(() => {
    if (Date.now() - Number(localStorage.getItem(KEY)) < limitMs) return;
    const url = new URL(element.dataset.lockUrl, location.href);
    url.searchParams.set("next", location.pathname + location.search);
    location.assign(url);
  }, 10_000);
}

// Time on the page: the server's clock (a workstation's own may be wrong) and the age of what is shown.

const given = document.body.dataset.serverNow ?? ""; // milliseconds since 1970 or ISO 8601
const served = /^\d+$/.test(given) ? Number(given) : Date.parse(given);
const zone = document.body.dataset.zone || "Asia/Shanghai";
const begun = performance.now();
const shift = Number.isNaN(served) ? 0 : served - Date.now();

/** Milliseconds now, by the server's clock at page load advanced by a monotonic timer. */
export function now() {
  return Number.isNaN(served) ? Date.now() : served + (performance.now() - begun);
}

/** Difference of the server's clock to this machine's, in milliseconds. */
export const clockShift = () => shift;

const clockFormat = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: zone });
const dayFormat = new Intl.DateTimeFormat("zh-CN", { month: "long", day: "numeric", timeZone: zone });
const weekdayFormat = new Intl.DateTimeFormat("zh-CN", { weekday: "short", timeZone: zone });

/** "08:35" in hospital time. */
export const timeWords = (ms) => clockFormat.format(ms).slice(0, 5);

const write = (element, text) => {
  if (element && element.textContent !== text) element.textContent = text;
};

/** "8 秒前", "3 分钟前", "2 小时前". */
export function ageWords(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} 秒前`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} 分钟前`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} 小时前` : `${Math.floor(seconds / 86400)} 天前`;
}

function ageOf(element, at) {
  const text = element.dataset.age;
  const since = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(since)) return write(element, "");
  write(element, ageWords(at - since));
  const limit = Number(element.dataset.staleAfter);
  if (!limit) return;
  const stale = at - since > limit * 1000;
  element.classList.toggle("stale", stale);
  const tile = element.closest("[data-state]");
  if (!tile) return;
  if (stale && tile.dataset.stale !== "true") {
    tile.dataset.stale = "true";
    if (tile.dataset.state !== "none") tile.dataset.state = "stale"; // an old alarm is not a present one
  } else if (!stale && tile.dataset.stale) {
    delete tile.dataset.stale;
  }
}

function tick() {
  const at = now();
  const time = clockFormat.format(at);
  for (const clock of document.querySelectorAll("[data-clock]")) {
    write(clock.querySelector("[data-clock-time]"), "seconds" in clock.dataset ? time : timeWords(at));
    write(clock.querySelector("[data-clock-date]"), `${dayFormat.format(at)} ${weekdayFormat.format(at)}`);
  }
  for (const element of document.querySelectorAll("[data-age]")) ageOf(element, at);
  setTimeout(tick, 1000 - (at % 1000));
}

tick();
document.addEventListener("htmx:load", ({ target }) => {
  for (const element of target.querySelectorAll?.("[data-age]") ?? []) ageOf(element, now());
});

// Plays what a device said, piece by piece at the pace at which it came: the row of now, and the newest values.
import { mount } from "./mount.js";

const LONGEST_WAIT_MS = 3000; // a pause of the device is not sat out

mount("[data-replay]", (card) => {
  const rows = [...card.querySelectorAll("[data-at]")];
  const [bar, play, speed, place, time, values] = ["bar", "play", "speed", "place", "time", "values"].map((name) =>
    card.querySelector(`[data-replay-${name}]`),
  );
  let at = 0;
  let timer = 0;

  const show = () => {
    rows.forEach((row, number) => row.toggleAttribute("data-now", number === at));
    rows[at].scrollIntoView({ block: "nearest" });
    place.value = String(at);
    time.textContent = rows[at].cells[0].textContent;
    values.replaceChildren(...[...newest()].map(([name, value]) => entry(name, value)));
  };

  const newest = () => {
    const found = new Map();
    for (const row of rows.slice(0, at + 1))
      for (const word of row.cells[2].textContent.split("，")) {
        const [name, value] = word.split("=");
        if (value) found.set(name, value);
      }
    return found;
  };

  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    play.textContent = "播放";
  };

  const next = () => {
    if (at + 1 >= rows.length) return stop();
    const wait = Math.min(Number(rows[at + 1].dataset.at) - Number(rows[at].dataset.at), LONGEST_WAIT_MS);
    timer = setTimeout(() => {
      at += 1;
      show();
      next();
    }, Math.max(wait, 0) / Number(speed.value));
  };

  play.addEventListener("click", () => {
    if (timer) return stop();
    if (at + 1 >= rows.length) at = 0;
    play.textContent = "暂停";
    show();
    next();
  });
  place.addEventListener("input", () => {
    at = Number(place.value);
    show();
    if (timer) {
      clearTimeout(timer);
      next();
    }
  });
  bar.hidden = false;
  show();
});

function entry(name, value) {
  const box = document.createElement("div");
  const term = document.createElement("dt");
  const detail = document.createElement("dd");
  term.textContent = name;
  detail.textContent = value;
  box.append(term, detail);
  return box;
}

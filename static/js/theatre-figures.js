// Live figures: what the devices of this case say now. An old value is never shown as a present one.
import { onNumeric, showNumeric } from "./live.js";
import { now } from "./clock.js";

const NOT_CHARTABLE = 2 | 4 | 8 | 256 | 512; // demo, impossible, unit, invalid, calibrating: see device_bridge/wire.py
const QUESTIONABLE = 1;

const places = (code) => (/^T(EMP|\d|B)$/.test(code) ? 1 : 0);

class Tile {
  constructor(element) {
    this.element = element;
    this.isPair = element.dataset.codes.includes("/");
    this.codes = element.dataset.codes.split(this.isPair ? "/" : " ");
    if (this.isPair) element.dataset.pair = "";
    this.limits = ["low", "high"].map((name) => (element.dataset[name] ? Number(element.dataset[name]) : null));
    this.staleMs = Number(element.querySelector("[data-stale-after]").dataset.staleAfter) * 1000;
    this.values = new Map();
  }

  /** Keep the newest value of a code. */
  take([code, value, , time, quality]) {
    const held = this.values.get(code);
    if (held && held.time > time) return;
    this.values.set(code, { value, time, quality, text: Number(value).toFixed(places(code)) });
  }

  /** The best code that speaks now, else the newest of all. */
  #chosen() {
    const held = this.codes.map((code) => this.values.get(code)).filter(Boolean);
    const fresh = held.find((one) => now() - one.time <= this.staleMs);
    return fresh ?? held.sort((a, b) => b.time - a.time)[0];
  }

  #pair() {
    const [high, low, mean] = this.codes.map((code) => this.values.get(code));
    if (!high) return null;
    const same = (one) => one && Math.abs(one.time - high.time) < 5000; // values of one measurement only
    return { ...high, text: `${high.text}/${same(low) ? low.text : "—"}`, word: same(mean) ? `(${mean.text})` : "" };
  }

  show() {
    const found = this.isPair ? this.#pair() : this.#chosen();
    if (!found) return;
    this.element.hidden = false;
    const at = new Date(found.time).toISOString();
    if (found.quality & NOT_CHARTABLE) {
      showNumeric(this.element, { text: "—", at, state: "stale", word: "存疑" });
      return;
    }
    const [low, high] = this.limits;
    const beyond = low !== null && found.value < low ? "↓ 低" : high !== null && found.value > high ? "↑ 高" : "";
    const doubt = found.quality & QUESTIONABLE ? "存疑" : "";
    const isOld = now() - found.time > this.staleMs;
    const words = [isOld ? "" : beyond, doubt, found.word ?? ""];
    const state = isOld ? "stale" : beyond ? "warn" : "live";
    showNumeric(this.element, { text: found.text, at, state, word: words.filter(Boolean).join(" ") });
    if (isOld) this.element.dataset.stale = "true";
  }
}

/** Fill the tiles of one [data-figures] box from the page, then from the live channel. */
export function start(box) {
  const tiles = [...box.querySelectorAll("[data-codes]")].map((element) => new Tile(element));
  const byCode = new Map();
  for (const tile of tiles) for (const code of tile.codes) byCode.set(code, [...(byCode.get(code) ?? []), tile]);

  function take(values) {
    const touched = new Set();
    for (const value of values) {
      for (const tile of byCode.get(value[0]) ?? []) {
        tile.take(value);
        touched.add(tile);
      }
    }
    touched.forEach((tile) => tile.show());
  }

  take(JSON.parse(box.dataset.latest || "[]"));
  onNumeric(({ topic, values }) => topic === box.dataset.topic && take(values));
}

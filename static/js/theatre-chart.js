// The record chart: drawn by the server, fetched again when something changed; spans, crosshair, and what a click opens.
import { onChanged, onMissed } from "./live.js";
import { now, timeWords } from "./clock.js";

const BURST_MS = 500; // at most two drawings a second
const WHAT = new Set(["chart", "drugs", "fluids", "flow", "events", "state", "rescue"]);
const PANELS = { administration: "administrations", intake: "intakes", output: "outputs", event: "events", reading: "readings" };
const RETRY_MS = 5000;
const MINUTE = 60_000;
const SHORTEST = 10 * MINUTE;
const LONGEST = 24 * 60 * MINUTE;
const SVG = "http://www.w3.org/2000/svg";

class RecordChart {
  constructor(box) {
    this.box = box;
    this.readout = document.querySelector("[data-readout]");
    this.choice = box.dataset.window;
    this.span = null; // [start, end] in ms while a part of the past is on view
    this.isFollowing = "following" in box.dataset;
    this.wanted = 0; // number of the newest request; older answers are dropped
    this.lastDrawn = 0;
    this.timer = null;
    this.isStale = false;
    this.box.addEventListener("pointermove", (event) => this.#move(event));
    this.box.addEventListener("pointerleave", () => this.#leave());
    this.box.addEventListener("pointerdown", (event) => this.#down(event));
    this.box.addEventListener("pointerup", (event) => this.#up(event));
    this.box.addEventListener("pointercancel", () => (this.drag = null));
    this.box.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#adopt();
    new ResizeObserver(() => this.#fit()).observe(box);
  }

  get svg() {
    return this.box.querySelector("svg.chart");
  }

  // --- drawing ---

  #adopt() {
    const svg = this.svg;
    if (!svg) return;
    const { start, end, x0, x1, y0, y1, low, high, slot } = svg.dataset;
    this.drawnAt = now();
    this.start = Date.parse(start);
    this.end = Date.parse(end);
    [this.x0, this.x1, this.y0, this.y1, this.low, this.high, this.slot] = [x0, x1, y0, y1, low, high, slot].map(Number);
    this.series = [...svg.querySelectorAll("g[data-series]")].map((group) => ({
      code: group.dataset.series, label: group.dataset.label, unit: group.dataset.unit,
      minutes: group.dataset.min.split(" ").map(Number), values: group.dataset.values.split(" "),
      ids: (group.dataset.ids ?? "").split(","),
    }));
    this.cross = document.createElementNS(SVG, "line");
    this.cross.setAttribute("class", "chart-cross");
    this.cross.setAttribute("visibility", "hidden");
    svg.append(this.cross);
    this.#tellSpan();
    if (this.pointer) this.#point(this.pointer);
  }

  /** The drawing has the measures of its box, so that its letters have the size they were made for. */
  #fit() {
    const view = this.svg?.viewBox.baseVal;
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!view || !width || !height) return;
    const isRight = Math.abs(width / view.width - 1) < 0.02 && (Math.abs(height - view.height) < 8 || this.grown === `${width}:${height}`);
    if (!isRight) this.plan();
    this.grown = `${width}:${height}`; // a chart with many lanes stays taller than its box
  }

  /** Draw again soon; several wishes within half a second are one. */
  plan() {
    if (document.hidden) {
      this.isStale = true;
      return;
    }
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.draw();
    }, Math.max(20, this.lastDrawn + BURST_MS - performance.now()));
  }

  async draw() {
    this.lastDrawn = performance.now();
    const number = ++this.wanted;
    const query = new URLSearchParams({ width: this.box.clientWidth, height: this.box.clientHeight });
    if (this.span) {
      query.set("start", new Date(this.span[0]).toISOString());
      query.set("end", new Date(this.span[1]).toISOString());
    } else {
      query.set("window", this.choice);
    }
    let answer;
    try {
      answer = await fetch(`${this.box.dataset.url}?${query}`, { headers: { "HX-Request": "true" } });
    } catch {
      this.isStale = true; // the line is down, the pill says so
      setTimeout(() => this.isStale && this.plan(), RETRY_MS);
      return;
    }
    if (answer.headers.has("HX-Redirect")) location.assign(answer.headers.get("HX-Redirect"));
    const html = await answer.text();
    if (!answer.ok || number !== this.wanted) return;
    const { scrollTop, scrollLeft } = this.box;
    this.box.innerHTML = html;
    this.box.scrollTo(scrollLeft, scrollTop);
    this.isStale = false;
    this.#adopt();
  }

  /** Between two drawings the line of the present moment walks on; at the edge the chart is drawn anew. */
  walk() {
    if (!this.svg || !this.isFollowing || document.hidden) return;
    if (!this.span && now() > this.end) return this.plan();
    const shift = ((now() - this.drawnAt) / (this.end - this.start)) * (this.x1 - this.x0);
    for (const line of this.svg.querySelectorAll("g.c-now")) line.setAttribute("transform", `translate(${shift.toFixed(1)} 0)`);
  }

  // --- which span is on view ---

  choose(choice) {
    this.choice = choice;
    this.span = null;
    this.draw();
  }

  show(start, end) {
    const length = Math.min(Math.max(end - start, SHORTEST), LONGEST);
    let from = start;
    if (this.isFollowing) from = Math.min(from, now() + 30 * MINUTE - length / 2); // never wholly in the future
    this.span = [from, from + length];
    this.plan();
    this.#tellSpan();
  }

  #tellSpan() {
    document.querySelector("[data-chart-now]")?.toggleAttribute("disabled", !this.span);
    for (const button of document.querySelectorAll("[data-windows] [data-window]")) {
      button.setAttribute("aria-pressed", String(!this.span && button.dataset.window === this.choice));
    }
    if (!this.pointer) this.#rest();
  }

  #rest() {
    const span = document.createElement("span");
    span.textContent = `${timeWords(this.start)} – ${timeWords(this.end)}　拖动移动时间，滚轮缩放${"writable" in this.box.dataset ? "，点空白处手录，点药物行给药" : ""}`;
    this.readout?.replaceChildren(span);
  }

  #wheel(event) {
    if (!this.svg) return;
    const scrolls = this.box.scrollHeight > this.box.clientHeight + 4;
    if (scrolls && !event.ctrlKey && !event.shiftKey && Math.abs(event.deltaX) < Math.abs(event.deltaY)) return;
    event.preventDefault();
    const [start, end] = this.span ?? [this.start, this.end];
    const length = end - start;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const shift = Math.sign(event.deltaX || event.deltaY) * length * 0.1;
      this.show(start + shift, end + shift);
      return;
    }
    const share = Math.min(Math.max((this.#time(event) - this.start) / (this.end - this.start), 0), 1);
    const scale = event.deltaY > 0 ? 1.25 : 0.8;
    const grown = Math.min(Math.max(length * scale, SHORTEST), LONGEST);
    const begin = start + (length - grown) * share;
    this.show(begin, begin + grown);
  }

  // --- the pointer ---

  #at(event) {
    const view = this.svg.viewBox.baseVal;
    const frame = this.svg.getBoundingClientRect();
    return { x: ((event.clientX - frame.left) / frame.width) * view.width, y: ((event.clientY - frame.top) / frame.height) * view.height };
  }

  #time(event) {
    const { x } = this.#at(event);
    return this.start + ((x - this.x0) / (this.x1 - this.x0)) * (this.end - this.start);
  }

  #move(event) {
    if (!this.svg) return;
    this.pointer = { clientX: event.clientX, clientY: event.clientY };
    if (this.drag && Math.abs(event.clientX - this.drag.x) > 6) {
      this.drag.moved = true;
      this.box.classList.add("is-dragging");
      this.box.setPointerCapture(event.pointerId);
      const perPixel = (this.drag.end - this.drag.start) / this.drag.width;
      const shift = (this.drag.x - event.clientX) * perPixel;
      this.show(this.drag.start + shift, this.drag.end + shift);
    }
    this.#point(this.pointer);
  }

  #leave() {
    this.pointer = null;
    this.cross?.setAttribute("visibility", "hidden");
    if (this.svg) this.#rest();
  }

  #point(pointer) {
    const { x } = this.#at(pointer);
    const isInside = x >= this.x0 && x <= this.x1;
    this.cross.setAttribute("visibility", isInside ? "visible" : "hidden");
    if (!isInside) return this.#rest();
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: 0, y2: this.svg.viewBox.baseVal.height })) {
      this.cross.setAttribute(name, value.toFixed(1));
    }
    this.#read(this.#time(pointer));
  }

  #near(series, minute, reach) {
    let best = -1;
    for (let index = 0; index < series.minutes.length; index += 1) {
      const distance = Math.abs(series.minutes[index] - minute);
      if (distance <= reach && (best < 0 || distance < Math.abs(series.minutes[best] - minute))) best = index;
    }
    return best;
  }

  #read(moment) {
    const minute = (moment - this.start) / MINUTE;
    const time = document.createElement("time");
    time.textContent = timeWords(moment);
    const parts = [time];
    for (const series of this.series) {
      const index = this.#near(series, minute, Math.max(this.slot * 0.6, 1));
      if (index < 0) continue;
      const part = document.createElement("span");
      const value = document.createElement("b");
      value.textContent = series.values[index];
      part.append(`${series.label} `, value);
      parts.push(part);
    }
    this.readout?.replaceChildren(...parts);
  }

  #down(event) {
    if (!this.svg || event.button !== 0) return;
    const frame = this.svg.getBoundingClientRect();
    const width = ((this.x1 - this.x0) / this.svg.viewBox.baseVal.width) * frame.width;
    this.drag = { x: event.clientX, start: this.start, end: this.end, width, moved: false, target: event.target };
  }

  #up(event) {
    const drag = this.drag;
    this.drag = null;
    this.box.classList.remove("is-dragging");
    if (drag && !drag.moved && this.svg) this.#open(drag.target, event);
  }

  // --- what a click opens ---

  #open(target, event) {
    const marked = target.closest?.("[data-id]");
    if (marked) return this.#panel(marked.dataset.id);
    const { x, y } = this.#at(event);
    const lane = target.closest?.("[data-lane]") ?? this.#laneAt(y);
    const moment = this.#time(event);
    if (x < this.x0 || x > this.x1) return this.#openLane(lane, null);
    const kind = lane?.dataset.kind;
    if (kind === "drug" || kind === "gas") return this.#openLane(lane, moment);
    if (kind === "vitals" || kind === "numeric") return this.#openReading(lane, x, y, moment);
    if ("writable" in this.box.dataset && moment <= now() + MINUTE) {
      if (kind === "fluid" || kind === "output") this.#get("fluids", moment);
      else if (kind === "events" || kind === "marks") this.#get("notes", moment);
    }
  }

  #laneAt(y) {
    return [...this.svg.querySelectorAll("[data-lane]")].find((lane) => {
      const top = Number(lane.getAttribute("y"));
      return y >= top && y < top + Number(lane.getAttribute("height"));
    });
  }

  #openLane(lane, moment) {
    const code = lane?.dataset.lane.match(/^(?:drug|gas)-([A-Z]+\d+)/)?.[1];
    if (!code || !("writable" in this.box.dataset)) return;
    this.#get(`drugs/${code}`, moment !== null && moment < now() - MINUTE ? moment : null);
  }

  /** The charted value under the pointer, else the form for the empty slot. */
  #openReading(lane, x, y, moment) {
    const minute = (moment - this.start) / MINUTE;
    const perMinute = ((this.x1 - this.x0) / (this.end - this.start)) * MINUTE;
    const found = lane.dataset.kind === "vitals" ? this.#pointAt(minute, perMinute, y) : this.#figureAt(lane.dataset.lane, minute);
    if (found) this.#panel(`reading-${found}`);
    else if ("writable" in this.box.dataset && moment <= now() + MINUTE) this.#get("readings", moment);
  }

  #pointAt(minute, perMinute, y) {
    let best = null;
    for (const series of this.series) {
      const index = this.#near(series, minute, 9 / perMinute);
      if (index < 0 || !series.ids[index]) continue;
      const dx = (series.minutes[index] - minute) * perMinute;
      const dy = this.#yOf(series, Number(series.values[index])) - y;
      const distance = Math.hypot(dx, dy);
      if (distance <= 11 && (!best || distance < best.distance)) best = { distance, id: series.ids[index] };
    }
    return best?.id;
  }

  #yOf(series, value) {
    const [low, high] = series.code === "temp" ? [20, 40] : [this.low, this.high]; // the right axis carries °C
    const share = Math.min(Math.max((value - low) / (high - low), 0), 1);
    return this.y0 - share * (this.y0 - this.y1);
  }

  #figureAt(lane, minute) {
    const series = this.series.find(({ code }) => lane.endsWith(code));
    const index = series ? this.#near(series, minute, this.slot * 0.6) : -1;
    return index < 0 ? null : series.ids[index];
  }

  #panel(id) {
    const [, kind, number] = id.match(/^([a-z]+)-(\d+)$/) ?? [];
    if (PANELS[kind]) this.#get(`${PANELS[kind]}/${number}`, null);
  }

  #get(path, moment) {
    const at = moment === null ? "" : `?at=${encodeURIComponent(new Date(moment).toISOString())}`;
    window.htmx.ajax("GET", `${this.box.dataset.case}/${path}${at}`, { target: "#side", swap: "innerHTML" });
  }
}

/** Bring one [data-chart] box to life. */
export function start(box) {
  const chart = new RecordChart(box);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-window], [data-chart-now]");
    if (!button || button === box) return;
    if ("chartNow" in button.dataset) chart.choose(box.dataset.window);
    else if (button.closest("[data-windows]")) chart.choose(button.dataset.window);
  });
  onChanged(({ what }) => WHAT.has(what) && chart.plan());
  onMissed(() => chart.plan());
  document.addEventListener("mafei:written", () => chart.plan());
  setInterval(() => chart.walk(), 15_000);
  document.addEventListener("visibilitychange", () => !document.hidden && chart.isStale && chart.plan());
}

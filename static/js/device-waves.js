// Live curves: samples arrive about once a second and are drawn steadily, 25 frames a second, a little behind.
import { mount } from "./mount.js";

const FRAME_MS = 40;
const DELAY_MS = 2500; // delivery is once a second; what is drawn must have arrived already
const KEEP_MS = 20_000;

class Channel {
  constructor(code, unit) {
    this.samples = []; // [time, value] in order of time
    this.figure = document.createElement("figure");
    this.figure.className = "wave";
    this.figure.dataset.channel = code;
    const caption = document.createElement("figcaption");
    caption.className = "small";
    caption.textContent = `${code} ${unit}`;
    this.canvas = document.createElement("canvas");
    this.canvas.height = 90;
    this.canvas.setAttribute("aria-label", `${code} 实时波形`);
    this.figure.append(caption, this.canvas);
    this.low = this.high = null;
  }

  add(start, rate, values) {
    const step = 1000 / rate;
    const last = this.samples.at(-1)?.[0] ?? -Infinity;
    values.forEach((value, index) => {
      const time = start + index * step;
      if (time > last) this.samples.push([time, value]);
    });
    const old = (this.samples.at(-1)?.[0] ?? 0) - KEEP_MS;
    const first = this.samples.findIndex(([time]) => time >= old);
    if (first > 0) this.samples.splice(0, first);
  }

  draw(until, span) {
    const { canvas } = this;
    const width = canvas.clientWidth;
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(canvas.clientHeight * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const height = canvas.clientHeight;
    pen.clearRect(0, 0, width, height);
    const shown = this.samples.filter(([time]) => time >= until - span && time <= until);
    const real = shown.filter(([, value]) => value !== null).map(([, value]) => value);
    if (!real.length) return;
    const low = Math.min(...real);
    const high = Math.max(...real);
    // the scale follows slowly, so that the curve does not jump
    this.low = this.low === null ? low : this.low + (low - this.low) * 0.08;
    this.high = this.high === null ? high : this.high + (high - this.high) * 0.08;
    const range = this.high - this.low || 1;
    pen.strokeStyle = getComputedStyle(canvas).color;
    pen.lineWidth = 1.5;
    pen.beginPath();
    let before = null;
    for (const [time, value] of shown) {
      const x = ((time - until + span) / span) * width;
      const y = height - 6 - ((value - this.low) / range) * (height - 12);
      if (value === null) before = null;
      else if (before === null || time - before > 500) pen.moveTo(x, y);
      else pen.lineTo(x, y);
      if (value !== null) before = time;
    }
    pen.stroke();
  }
}

function start(board) {
  const channels = new Map();
  const span = Number(board.dataset.seconds) * 1000;
  const hint = board.querySelector("[data-waves-hint]");
  let ahead = null; // device time minus the time of this computer, of the newest sample
  document.addEventListener("mafei:wave", ({ detail }) => {
    if (detail.topic !== `wave:${board.dataset.waves}`) return;
    hint.hidden = true;
    for (const [code, unit, begin, rate, values] of detail.pieces) {
      if (!channels.has(code)) {
        channels.set(code, new Channel(code, unit));
        board.append(channels.get(code).figure);
      }
      channels.get(code).add(begin, rate, values);
      const newest = begin + (values.length * 1000) / rate - Date.now();
      ahead = ahead === null || Math.abs(newest - ahead) > 5000 ? newest : Math.max(ahead - 5, newest);
    }
  });
  let last = 0;
  const frame = (now) => {
    if (!board.isConnected) return;
    if (now - last >= FRAME_MS - 4 && ahead !== null) {
      last = now;
      const until = Date.now() + ahead - DELAY_MS;
      for (const channel of channels.values()) channel.draw(until, span);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

mount("[data-waves]", start);

// Live curves: samples arrive about once a second and are drawn steadily, 30 frames a second, a little behind.
import { mount } from "./mount.js";

const FRAME_MS = 1000 / 30; // two ticks of a usual screen; never fewer than 25 a second
const DELAY_MS = 2500; // delivery is once a second; what is drawn must have arrived already
const KEEP_MS = 20_000;
const BREAK_MS = 500;

class Channel {
  constructor(code, unit) {
    this.times = []; // in order
    this.values = []; // null where the device had no sample
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
    const last = this.times.at(-1) ?? -Infinity;
    values.forEach((value, index) => {
      const time = start + index * step;
      if (time <= last) return;
      this.times.push(time);
      this.values.push(value);
    });
    const old = this.place((this.times.at(-1) ?? 0) - KEEP_MS);
    this.times.splice(0, old);
    this.values.splice(0, old);
  }

  // Number of samples before a time.
  place(time) {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // The scale follows slowly, so that the curve does not jump.
  follow(first, last) {
    let low = Infinity;
    let high = -Infinity;
    for (let n = first; n < last; n += 1) {
      const value = this.values[n];
      if (value === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low > high) return false;
    this.low = this.low === null ? low : this.low + (low - this.low) * 0.08;
    this.high = this.high === null ? high : this.high + (high - this.high) * 0.08;
    return true;
  }

  draw(until, span) {
    const { canvas } = this;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const first = this.place(until - span);
    const last = this.place(until);
    if (!this.follow(first, last)) return;
    const range = this.high - this.low || 1;
    pen.strokeStyle = getComputedStyle(canvas).color;
    pen.lineWidth = 1.5;
    pen.beginPath();
    let before = null;
    for (let n = first; n < last; n += 1) {
      const time = this.times[n];
      const value = this.values[n];
      if (value === null) {
        before = null;
        continue;
      }
      const x = ((time - until + span) / span) * width;
      const y = height - 6 - ((value - this.low) / range) * (height - 12);
      if (before === null || time - before > BREAK_MS) pen.moveTo(x, y);
      else pen.lineTo(x, y);
      before = time;
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
  let due = 0;
  const frame = (now) => {
    if (!board.isConnected) return;
    if (now >= due - 1 && ahead !== null) {
      due = Math.max(due + FRAME_MS, now); // a late frame does not make the next ones late
      const until = Date.now() + ahead - DELAY_MS;
      for (const channel of channels.values()) channel.draw(until, span);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

mount("[data-waves]", start);

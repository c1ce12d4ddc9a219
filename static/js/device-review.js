// Curves of hours from kept extremes: one column a pixel, closer on a click.
import { mount } from "./mount.js";

const CLOSER = 10;
const words = (time) => new Date(time).toLocaleString("zh-CN", { hour12: false });

const MARGIN = 16; // for the times under the curve
const MINUTE = 60_000;
const STEPS = [1 / 60, 1 / 12, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 360, 720, 1440, 2880, 7200, 14400, 43200].map((m) => m * MINUTE);
const ZONE = new Date().getTimezoneOffset() * -MINUTE;

function label(time, step) {
  const at = new Date(time);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  if (step >= 1440 * MINUTE) return day;
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (step < MINUTE) return `${clock}:${two(at.getSeconds())}`;
  return at.getHours() === 0 && at.getMinutes() === 0 ? day : clock;
}

function drawTimes(pen, { start, end }, width, height, style) {
  const room = Math.max(2, Math.floor(width / 90));
  const step = STEPS.find((one) => (end - start) / one <= room) ?? STEPS.at(-1);
  pen.font = `11px ${style.fontFamily}`;
  pen.textAlign = "center";
  for (let time = Math.ceil((start + ZONE) / step) * step - ZONE; time <= end; time += step) {
    const x = ((time - start) / (end - start)) * width;
    pen.fillStyle = style.getPropertyValue("--line");
    pen.fillRect(x, 0, 1, height - MARGIN);
    pen.fillStyle = style.getPropertyValue("--ink-2");
    if (x > 24 && x < width - 24) pen.fillText(label(time, step), x, height - 4);
  }
}

function drawBound(pen, text, x, y, style) {
  pen.fillStyle = style.getPropertyValue("--surface");
  pen.fillRect(x - 3, y - 10, pen.measureText(text).width + 6, 13);
  pen.fillStyle = style.getPropertyValue("--ink");
  pen.fillText(text, x, y);
}

function drawMean(pen, mean, place, step) {
  pen.lineWidth = 1.5;
  pen.beginPath();
  mean.forEach((value, index) => {
    if (value === null) return;
    const x = (index + 0.5) * step;
    if (index === 0 || mean[index - 1] === null) pen.moveTo(x - step / 2, place(value));
    pen.lineTo(x, place(value));
  });
  pen.stroke();
}

function drawColumns(canvas, { low, high, mean, unit, start, end }, note) {
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawTimes(pen, { start, end }, width, height, getComputedStyle(canvas));
  const real = [...low, ...high].filter((value) => value !== null);
  if (!real.length) {
    note.textContent = "无数据";
    return;
  }
  const bottom = real.reduce((a, b) => Math.min(a, b));
  const top = real.reduce((a, b) => Math.max(a, b));
  note.textContent = `${bottom} – ${top} ${unit}`;
  const scale = (height - MARGIN - 8) / (top - bottom || 1);
  const place = (value) => height - MARGIN - 4 - (value - bottom) * scale;
  const style = getComputedStyle(canvas);
  pen.fillStyle = pen.strokeStyle = style.color;
  pen.globalAlpha = mean ? 0.35 : 1; // with a mean the extremes are its background
  const step = width / low.length;
  low.forEach((value, index) => {
    if (value === null) return;
    const upper = place(high[index]);
    pen.fillRect(index * step, upper, Math.max(step, 1), Math.max(place(value) - upper, 1.2));
  });
  pen.globalAlpha = 1;
  if (mean) drawMean(pen, mean, place, step);
  pen.textAlign = "left";
  drawBound(pen, String(top), 6, 14, style);
  drawBound(pen, String(bottom), 6, height - MARGIN - 6, style);
}

function start(board) {
  const figures = [...board.querySelectorAll("[data-channel]")];
  const span = { start: Number(board.dataset.start), end: Number(board.dataset.end) };
  const whole = { ...span };
  const load = () => {
    board.querySelector("[data-review-span]").textContent = `${words(span.start)} – ${words(span.end)}`;
    return Promise.all(
      figures.map(async (figure) => {
        const canvas = figure.querySelector("canvas");
        const width = Math.max(50, Math.round(canvas.clientWidth));
        const query = new URLSearchParams({ code: figure.dataset.channel, start: span.start, end: span.end, width });
        const answer = await fetch(`${board.dataset.review}?${query}`, { headers: { Accept: "application/json" } });
        if (answer.ok) drawColumns(canvas, await answer.json(), figure.querySelector("[data-bounds]"));
      }),
    ).then(() => {
      board.dataset.loaded = String(Number(board.dataset.loaded ?? 0) + 1);
    });
  };
  const look = (middle, length) => {
    span.start = Math.round(Math.max(whole.start, middle - length / 2));
    span.end = Math.round(Math.min(whole.end, span.start + length));
    load();
  };
  for (const figure of figures) {
    figure.querySelector("canvas").addEventListener("click", (event) => {
      const share = event.offsetX / event.target.clientWidth;
      const length = Math.max((span.end - span.start) / CLOSER, 5000);
      look(span.start + share * (span.end - span.start), length);
    });
  }
  board.querySelector("[data-review-out]").addEventListener("click", () => {
    look((span.start + span.end) / 2, Math.min((span.end - span.start) * CLOSER, whole.end - whole.start));
  });
  load();
}

mount("[data-review]", start);

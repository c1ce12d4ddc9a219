// Newest values of one device between two refreshes of its table.
import { onNumeric } from "./live.js";

const INVALID = 256; // device_bridge.wire.Quality

onNumeric(({ topic, values }) => {
  const board = document.querySelector("[data-device]");
  if (!board || topic !== `device:${board.dataset.device}`) return;
  for (const [code, value, , time, quality] of values) {
    const row = board.querySelector(`[data-code="${CSS.escape(code)}"]`);
    if (!row) continue; // a new parameter comes with the next refresh
    row.querySelector("[data-value]").textContent = quality & INVALID ? "无效" : String(Number(value.toFixed(3)));
    row.querySelector("[data-age]").dataset.age = time;
  }
});

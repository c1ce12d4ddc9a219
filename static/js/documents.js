// Documents: one more row of a table, and the pad on which a patient signs.
import { mount } from "./mount.js";

mount("[data-add-row]", (button) => {
  button.addEventListener("click", () => {
    const body = button.closest("form").querySelector("[data-document-rows] tbody");
    const row = body.lastElementChild.cloneNode(true);
    const number = String(body.children.length + 1);
    for (const control of row.querySelectorAll("input, select")) {
      control.value = "";
      control.setAttribute("aria-label", control.getAttribute("aria-label").replace(/\d+$/, number));
    }
    body.append(row);
    row.querySelector("input, select").focus();
  });
});

mount("[data-signature-pad]", (canvas) => {
  const form = canvas.closest("form");
  const target = form.querySelector('input[name="image"]');
  const pen = canvas.getContext("2d");
  let drawing = false;
  pen.lineWidth = 3;
  pen.lineCap = "round";
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    drawing = true;
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    pen.lineTo(...place(event));
    pen.stroke();
  });
  canvas.addEventListener("pointerup", () => {
    drawing = false;
    target.value = canvas.toDataURL("image/png");
  });
  form.querySelector("[data-clear-pad]").addEventListener("click", () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    target.value = "";
  });
});

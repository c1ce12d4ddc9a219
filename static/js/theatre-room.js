// The start of a case: a barcode scanner types wherever the focus is; its code goes into the scan form.
const SCAN_GAP_MS = 50; // a scanner types faster than any hand
const SHORTEST_CODE = 4;
const form = document.querySelector("[data-scan]");
const field = form?.elements.namedItem("code");
let typed = "";
let last = 0;

document.addEventListener(
  "keydown",
  (event) => {
    if (!form || event.ctrlKey || event.altKey || event.metaKey || event.target === field) return;
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if (event.key === "Enter") {
      if (typed.length < SHORTEST_CODE || gap > SCAN_GAP_MS) {
        typed = "";
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      field.value = typed;
      typed = "";
      form.requestSubmit();
    } else if (event.key.length === 1) {
      typed = gap > SCAN_GAP_MS ? event.key : typed + event.key;
      if (typed.length >= SHORTEST_CODE) event.stopPropagation(); // no shortcut is pressed by a code
    }
  },
  true,
);
document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "identify-result") return;
  field.value = "";
  detail.target.querySelector("button[type=submit]")?.focus();
});

// The one script every page loads: it brings the others when the page needs them.
import { mount, mountLazily } from "./mount.js";
import "./toast.js";
import "./clock.js";

const once = (load) => {
  let module;
  return () => (module ??= load());
};

// Bars, dialogs and keys belong to people; big screens have none.
if (!("kiosk" in document.body.dataset)) {
  import("./dialog.js");
  import("./shortcuts.js");
}
mountLazily("[data-combobox]", once(() => import("./combobox.js")));
mountLazily("[data-live]:not([data-live=''])", once(() => import("./live.js")));
mountLazily("[data-idle-minutes]", once(() => import("./idle.js")));

const theme = once(() => import("./theme.js"));
mount("[data-theme-form]", (form) => {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    (await theme()).apply(form, event.submitter);
  });
});

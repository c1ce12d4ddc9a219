// Theme and density change at once; the server remembers them. Without this script the form simply posts.

/** Post the form with the pressed button and show the choice. */
export async function apply(form, button) {
  const { name, value } = button;
  const root = document.documentElement;
  const before = root.dataset[name];
  root.dataset[name] = value;
  press(form, name, value);
  const data = new FormData(form);
  data.set(name, value);
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
  } catch {
    root.dataset[name] = before;
    press(form, name, before);
    document.body.dispatchEvent(new CustomEvent("toast", { detail: { message: "没有保存：主题设置没有送到服务器", kind: "danger" } }));
  }
}

function press(form, name, value) {
  for (const button of form.querySelectorAll(`button[name="${name}"]`)) {
    button.setAttribute("aria-pressed", String(button.value === value));
  }
}

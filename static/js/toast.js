// What people must be told: messages from the server, failed requests, and whether the line is up.
import { now, timeWords } from "./clock.js";

const KINDS = { success: "ok", warning: "warn", error: "danger" }; // the words of the server
const KEEP_MS = { ok: 4000, info: 6000, warn: 10000 }; // danger stays until it is closed or the write has succeeded
const region = document.querySelector("[data-toasts]");
let offlineSince = null;

/** Show a message. kind: ok | info | warn | danger. Returns the element. */
export function toast(text, given = "info", detail = "") {
  const kind = KINDS[given] ?? given;
  const box = document.createElement("div");
  box.className = `toast toast-${kind}`;
  box.dataset.toast = kind;
  if (kind === "danger") box.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.className = "toast-text";
  words.textContent = text;
  if (detail) {
    const small = document.createElement("small");
    small.textContent = detail;
    words.append(small);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.setAttribute("aria-label", "关闭提示");
  close.dataset.closeToast = "";
  box.append(words, close);
  for (const other of region.querySelectorAll(".toast")) {
    if (other.querySelector(".toast-text").textContent === words.textContent) other.remove();
  }
  region.append(box);
  host(box);
  expire(box);
  return box;
}

/** A modal dialog hides everything outside itself, so the region moves into it while it is open. */
function host() {
  const dialog = document.querySelector("dialog[open]");
  const home = dialog ?? document.body;
  if (region.parentElement !== home) home.append(region);
}

function expire(box) {
  const ms = KEEP_MS[box.dataset.toast];
  if (ms) setTimeout(() => box.matches(":hover, :focus-within") ? expire(box) : box.remove(), ms);
}

/** Tell every part of the page how the line is: online | connecting | offline. */
export function connection(state) {
  if (state === "online") offlineSince = null;
  else if (state === "offline") offlineSince ??= now();
  document.documentElement.dataset.connection = state;
  const words = { online: "在线", connecting: "连接中" }[state] ?? `离线 自 ${timeWords(offlineSince)}`;
  for (const pill of document.querySelectorAll("[data-connection].pill")) {
    pill.dataset.state = state;
    if (pill.textContent !== words) pill.textContent = words;
  }
}

/** The web answered; while the live channel is down the page is still not up to date. */
function reached() {
  if ((document.documentElement.dataset.socket ?? "online") === "online") connection("online");
}

/** Is this the answer to something a person wanted to write? */
const isWrite = (detail) => (detail.requestConfig?.verb ?? "get") !== "get";
const kept = (detail) => {
  const element = detail.elt;
  const form = element?.closest?.("form");
  return form && form.isConnected && form.querySelector("input:not([type=hidden]), textarea, select")
    ? "填写的内容还在本页，没有丢失。" : "";
};

const REASONS = {
  400: "页面停留太久，请刷新后重试", 401: "登录已过期，请重新登录", 403: "您没有这项权限",
  404: "这条记录已不存在", 409: "别人刚刚改过这条记录，请刷新后再改", 413: "文件太大", 429: "操作太频繁，请稍等",
  503: "系统正忙，请稍后再试",
};

/** The server's own sentence, if its answer marks one with data-message. */
function sentence(xhr) {
  const type = xhr.getResponseHeader("Content-Type") ?? "";
  try {
    if (type.includes("json")) return JSON.parse(xhr.responseText).message ?? "";
    if (!type.includes("html")) return "";
    const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
    return page.querySelector("[data-message]")?.textContent.trim() ?? "";
  } catch {
    return "";
  }
}

function failed(detail, reason) {
  const verb = isWrite(detail) ? "没有保存" : "没有取到";
  toast(`${verb}：${reason}`, "danger", isWrite(detail) ? kept(detail) : "");
}

function responseError({ detail }) {
  const { xhr } = detail;
  reached();
  if ((xhr.getResponseHeader("HX-Trigger") ?? "").includes("toast")) return; // the server has said it
  failed(detail, sentence(xhr) || REASONS[xhr.status] || `服务器出错（${xhr.status}），请联系信息科`);
}

function sendError({ detail }) {
  connection("offline");
  // A refresh that nobody asked for stays quiet: the pill says it.
  if (isWrite(detail) || detail.requestConfig?.triggeringEvent?.isTrusted) failed(detail, "网络断开，请稍后再试");
}

/** A refusal that is only a sentence must not replace the form it speaks about: its parts go to their fields. */
function beforeSwap({ detail }) {
  if (detail.xhr.status !== 422 || !detail.serverResponse.includes("data-error-only")) return;
  detail.shouldSwap = false;
  const page = new DOMParser().parseFromString(detail.serverResponse, "text/html");
  const form = detail.requestConfig.elt.closest("form");
  let first = null;
  for (const item of form ? page.querySelectorAll("[data-field]") : []) {
    const control = form.elements.namedItem(item.dataset.field);
    const input = control instanceof RadioNodeList ? control[0] : control;
    const field = input?.closest(".field");
    if (!field) continue;
    field.classList.add("field-invalid");
    const words = document.createElement("p");
    words.className = "field-error";
    words.dataset.fromServer = "";
    words.textContent = item.textContent;
    field.append(words);
    first ??= field.querySelector("input:not([type=hidden]), select, textarea");
  }
  first?.focus();
}

/** Marks of the last refusal disappear when the form is sent again. */
function beforeRequest({ detail }) {
  for (const words of detail.elt.closest?.("form")?.querySelectorAll("[data-from-server]") ?? []) {
    words.closest(".field").classList.remove("field-invalid");
    words.remove();
  }
}

/** What was refused has been mended: the next write that succeeds takes refusals off the screen they cover. */
function settled({ detail }) {
  if (!isWrite(detail) || detail.xhr.status >= 400) return;
  for (const box of region.querySelectorAll("[data-toast=danger]")) box.remove();
}

const body = document.body;
body.addEventListener("htmx:beforeSwap", beforeSwap);
body.addEventListener("htmx:beforeRequest", beforeRequest);
body.addEventListener("toast", ({ detail }) => toast(detail.message ?? detail.value ?? "", detail.kind ?? "info", detail.detail ?? ""));
body.addEventListener("htmx:responseError", responseError);
body.addEventListener("htmx:sendError", sendError);
body.addEventListener("htmx:timeout", ({ detail }) => failed(detail, "服务器没有及时回答"));
body.addEventListener("htmx:afterOnLoad", reached);
body.addEventListener("htmx:beforeOnLoad", settled); // before a message of the answer itself appears
window.addEventListener("offline", () => connection("offline"));
window.addEventListener("online", reached);
document.addEventListener("mafei:connection", ({ detail }) => connection(detail));
document.addEventListener("mafei:dialog", host);
document.addEventListener("click", (event) => event.target.closest?.("[data-close-toast]")?.closest(".toast").remove());
region?.querySelectorAll(".toast").forEach(expire);
if (!navigator.onLine) connection("offline");

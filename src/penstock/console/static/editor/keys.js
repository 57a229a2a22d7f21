// The keyboard: what each key does, another key for it, and the list of all.

import { ask, byId, element, typing } from "./dom.js";

const STORE = "penstock:keys";

/** Action → words and its keys at first. A key is "a", "Shift+x", "Ctrl+Enter", "Space". */
export const ACTIONS = {
  approve: ["Approve, then the next photo", "a"],
  reject: ["Reject with a reason, then the next", "x"],
  hold: ["Hold, or take off hold, then the next", "f"],
  next: ["Next photo", "ArrowRight"],
  back: ["Previous photo", "ArrowLeft"],
  undo: ["Undo, step by step", "u"],
  edit: ["Edit the caption", "e"],
  save: ["Save what is typed", "Ctrl+s"],
  approve_typed: ["Save, approve, then the next", "Ctrl+Enter"],
  generate: ["Generate: write texts anew", "g"],
  flagged: ["Next flagged photo", "n"],
  loupe: ["Fit or 1:1", "Space"],
  pin: ["Pin this photo, compare with it", "c"],
  twins: ["Look-alikes side by side", "w"],
  diff: ["Generated against edited", "d"],
  facts: ["Scores, camera, origin", "i"],
  search: ["Filter and search", "/"],
  grid: ["Grid, or back to one photo", "v"],
  pick: ["Select this photo", "s"],
  pending: ["Back to pending", "b"],
  keys: ["These keys", "?"],
};
const WHILE_TYPING = new Set(["save", "approve_typed"]);

export class Keys {
  constructor(run) {
    this.run = run;
    const kept = read();
    this.single = kept.single ?? true; // single keys without Ctrl or Alt work (WCAG 2.1.4)
    this.keys = Object.fromEntries(Object.entries(ACTIONS).map(([name, [, key]]) => [name, kept.keys?.[name] || key]));
    document.addEventListener("keydown", (event) => this.#pressed(event));
    this.label();
  }

  /** Print each button's key on it. */
  label() {
    for (const button of document.querySelectorAll("#editor [data-action]")) {
      const key = this.keys[button.dataset.action];
      if (!key) continue;
      button.setAttribute("aria-keyshortcuts", spoken(key));
      button.title = `${ACTIONS[button.dataset.action][0]} (${shown(key)})`;
      if (!button.closest("#doing") || button.hasAttribute("aria-label")) continue;
      button.querySelector("kbd")?.remove();
      button.append(element("kbd", { "aria-hidden": "true" }, shown(key)));
    }
  }

  /** The list, in a dialog; each key can be changed there. */
  show() {
    return ask("Keys", (close) => this.#table(close));
  }

  #pressed(event) {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && typing(event.target)) {
      event.target.blur();
      byId("row-title").focus({ preventScroll: true });
      return;
    }
    const action = this.#action(event);
    if (!action) return;
    if (typing(event.target) && !WHILE_TYPING.has(action)) return;
    if (event.target instanceof Element && event.target.closest("button, a, summary") && plain(event)) return;
    event.preventDefault();
    this.run(action, event);
  }

  #action(event) {
    const key = named(event);
    const found = Object.keys(this.keys).find((name) => this.keys[name] === key)
      || Object.keys(this.keys).find((name) => this.keys[name] === layoutFree(event));
    const bare = found && !/^(Ctrl|Alt)\+/.test(this.keys[found]) && this.keys[found].length === 1;
    return bare && !this.single && found !== "keys" ? null : found;
  }

  #table(close) {
    const rows = Object.entries(ACTIONS).map(([name, [words]]) => this.#line(name, words));
    const single = element("input", { type: "checkbox", checked: this.single });
    single.addEventListener("change", () => {
      this.single = single.checked;
      this.#keep();
    });
    const reset = element("button", { type: "button" }, "As they were at first");
    reset.addEventListener("click", () => {
      this.keys = Object.fromEntries(Object.entries(ACTIONS).map(([name, [, key]]) => [name, key]));
      this.#keep();
      body.replaceChildren(...Object.entries(ACTIONS).map(([name, [words]]) => this.#line(name, words)));
    });
    const done = element("button", { type: "button", class: "primary", autofocus: true }, "Close");
    done.addEventListener("click", () => close(null));
    const body = element("tbody", {}, ...rows);
    const head = element("tr", {}, element("th", { scope: "col" }, "What"), element("th", { scope: "col" }, "Key"));
    return element(
      "div", {}, element("p", { class: "muted" }, "Choose a key to change it: then press the new one."),
      element("div", { class: "scroll" }, element("table", { class: "keys" }, element("thead", {}, head), body)),
      element("label", { class: "check" }, single, " Single keys work (turn this off when speech or a switch types them by mistake)"),
      element("p", { class: "muted" }, "Escape leaves a field or a dialog."),
      element("div", { class: "own" }, done, reset),
    );
  }

  #line(name, words) {
    const button = element("button", { type: "button", "aria-label": `${words}: ${shown(this.keys[name])}` });
    button.append(element("kbd", {}, shown(this.keys[name])));
    button.addEventListener("click", () => this.#learn(name, words, button));
    return element("tr", {}, element("td", {}, words), element("td", {}, button));
  }

  #learn(name, words, button) {
    button.textContent = "Press a key…";
    const listen = (event) => {
      if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      document.removeEventListener("keydown", listen, true);
      const key = named(event);
      const other = Object.keys(this.keys).find((one) => one !== name && this.keys[one] === key);
      if (event.key !== "Escape" && !other) this.keys[name] = key;
      button.replaceChildren(element("kbd", {}, shown(this.keys[name])));
      if (other) button.append(` (${shown(key)} is taken: ${ACTIONS[other][0]})`);
      button.setAttribute("aria-label", `${words}: ${shown(this.keys[name])}`);
      this.#keep();
    };
    document.addEventListener("keydown", listen, true);
  }

  #keep() {
    localStorage.setItem(STORE, JSON.stringify({ single: this.single, keys: this.keys }));
    this.label();
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(STORE) || "{}");
  } catch {
    return {};
  }
}

function plain(event) {
  return event.key === "Enter" || event.key === " ";
}

/** The key as it is written down. Shift counts only where it makes no other character. */
function named(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey && (event.key.length > 1 || event.key.toLowerCase() !== event.key.toUpperCase());
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${key}`;
}

/** On a keyboard without Latin letters: what the same key would be on one with them. */
function layoutFree(event) {
  if (/^[\x20-\x7e]$/.test(event.key) || !/^Key[A-Z]$/.test(event.code || "")) return "";
  return `${event.ctrlKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${event.code.slice(3).toLowerCase()}`;
}

function shown(key) {
  const names = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓" };
  return key.split("+").map((part) => names[part] || (part.length === 1 ? part.toUpperCase() : part)).join("+") || "+";
}

function spoken(key) {
  return key.replace("Ctrl", "Control");
}

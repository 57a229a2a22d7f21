// What is on its way and what did not happen, always to be seen.

import { ask, byId, count, diff, element } from "./dom.js";

const WORDS = {
  approve: "approve", save_approve: "save and approve", reject: "reject", pending: "back to pending", hold: "hold",
  unhold: "take off hold", edit: "save", generated: "take the generated text",
};

export class Saving {
  /** `go(entry)` goes to a row, `changed()` hears that something was dismissed. */
  constructor(decisions, site, go, changed) {
    this.decisions = decisions;
    this.go = go;
    this.changed = changed;
    this.store = `penstock:notdone:${site}`;
    this.wrong = read(this.store); // what did not happen, until somebody has seen it
    byId("saving").addEventListener("click", () => this.#open());
    this.show();
  }

  /** The state, on its button. */
  show() {
    const n = this.decisions?.waiting.length || 0;
    const trouble = this.decisions?.trouble || "";
    const button = byId("saving");
    const parts = [];
    if (this.wrong.length) parts.push(`${this.wrong.length} not done`);
    if (n) parts.push(trouble ? `${n} unsent` : `Saving ${n}…`);
    button.textContent = parts.join(" · ") || "All saved";
    button.classList.toggle("trouble-now", Boolean(trouble && n) || this.wrong.length > 0);
    byId("saving-why").textContent = n && trouble ? trouble : "";
  }

  /** A decision was refused. */
  failed(result, entry) {
    this.wrong.push({ entry, sentence: result.sentence, conflict: result.code === "changed" });
    this.#keep();
  }

  /** What did not happen to a row, as elements. */
  about(id) {
    return this.wrong.filter((one) => one.entry.item === id).map((one) => this.#card(one, false));
  }

  #open() {
    const unsent = this.decisions.waiting;
    if (!unsent.length && !this.wrong.length) return;
    ask("What is not saved", (close) => {
      const done = element("button", { type: "button", class: "primary", autofocus: true }, "Close");
      done.addEventListener("click", () => close(null));
      const now = element("button", { type: "button" }, "Send now");
      now.addEventListener("click", () => {
        this.decisions.now();
        close(null);
      });
      const why = this.decisions.trouble ? `${this.decisions.trouble} Nothing is lost: it is kept in this browser and sent as soon as that works.` : "It is being sent.";
      const waiting = unsent.length ? [element("h3", {}, `${count(unsent.length, "decision")} unsent`), element("p", {}, why), element("ul", { class: "plain" }, ...unsent.slice(0, 50).map(line))] : [];
      const wrong = this.wrong.length ? [element("h3", {}, `${count(this.wrong.length, "decision")} not done`), ...this.wrong.map((one) => this.#card(one, true, close))] : [];
      return element("div", {}, ...wrong, ...waiting, element("div", { class: "own" }, done, unsent.length ? now : null));
    });
  }

  #card(one, linked, close = () => {}) {
    const typed = Object.entries(one.entry.fields).map(([name, text]) => diff([["same", `${name.replace("_", " ")}: `], ["new", text]]));
    const seen = element("button", { type: "button" }, "I have seen it");
    seen.addEventListener("click", () => {
      this.wrong = this.wrong.filter((other) => other !== one);
      this.#keep();
      this.changed();
      if (linked) close(null);
    });
    const go = element("button", { type: "button" }, "Look at it");
    go.addEventListener("click", () => {
      close(null);
      this.go(one.entry);
    });
    const title = one.conflict ? "This row was changed elsewhere, so your decision was not carried out." : one.sentence;
    const head = element("p", {}, element("strong", {}, `Not done: ${WORDS[one.entry.verb]}. `), title);
    if (linked) head.prepend(element("span", { class: "mono muted" }, `${one.entry.title} `));
    return element("div", { class: "offer bad", role: "group", "aria-label": "Not done" }, head, ...typed, element("div", { class: "own" }, seen, linked ? go : null));
  }

  #keep() {
    if (this.wrong.length) localStorage.setItem(this.store, JSON.stringify(this.wrong));
    else localStorage.removeItem(this.store);
    this.show();
  }
}

function line(entry) {
  return element("li", {}, element("span", { class: "mono" }, entry.title), ` ${WORDS[entry.verb]}`);
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) || "[]");
  } catch {
    return [];
  }
}

// Where this window is, where others are, and what they changed.

import { byId, element } from "./dom.js";

const EVERY = 8000; // milliseconds between two pulses
const AFTER = 350; // milliseconds that somebody stays at a photo before it counts

export class Presence {
  /** `heard(rows, counts)` is told of rows that changed. */
  constructor(api, sitting, who, heard) {
    Object.assign(this, { api, sitting, who, heard });
    this.since = 0;
    this.item = null;
    this.others = [];
    this.timer = 0;
    window.addEventListener("pagehide", () => this.#leave());
    document.addEventListener("visibilitychange", () => document.hidden || this.#soon(0));
  }

  /** The person is at this row now. */
  at(item) {
    this.item = item;
    this.show();
    this.#soon(AFTER);
  }

  /** Who else is at the present row, in words. */
  show() {
    const here = this.others.filter((one) => one.item === this.item && one.first);
    const place = byId("others");
    place.hidden = !here.length;
    if (!here.length) return;
    const names = [...new Set(here.map((one) => (one.who === this.who ? `${one.who} (another window)` : one.who)))];
    const take = element("button", { type: "button" }, "Take over");
    take.addEventListener("click", () => this.#pulse(true));
    place.replaceChildren(`${names.join(", ")} ${names.length > 1 ? "are" : "is"} at this photo. `, take);
  }

  #soon(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#pulse(), wait);
  }

  async #pulse(takeOver = false) {
    try {
      const told = await this.api.send("pulse", {
        sitting: this.sitting, item: this.item, since: this.since, take_over: takeOver,
      });
      this.since = told.since;
      this.others = told.others;
      this.show();
      this.heard(told.rows, told.counts);
    } catch {
      // whoever sends decisions tells of a lost connection
    }
    if (!document.hidden) this.#soon(EVERY);
  }

  #leave() {
    const body = { sitting: this.sitting, item: null, since: this.since, leaving: true };
    this.api.send("pulse", body, { keepalive: true, signal: undefined }).catch(() => {});
  }
}

// Decisions on their way: ordered, each sent until it is answered, kept in the browser until then.
//
// A decision is written to the browser's storage before anything else happens with it, so it outlives a lost
// connection, a restart of the program and a closed window. Its id makes a repeated one the same decision; its
// revision keeps it from overwriting what somebody else did meanwhile.

import { Away, SignedOut } from "./api.js";

const TOGETHER = 25; // decisions in one request
const WAITS = [500, 1000, 2000, 4000, 8000, 15000]; // milliseconds until the next try

export class Decisions {
  /** `told(result, entry)` hears what became of each, `shown()` that the state changed. */
  constructor(api, site, sitting, told, shown) {
    this.api = api;
    this.prefix = `penstock:unsent:${site}:`;
    this.mine = `${this.prefix}${sitting}:`;
    this.told = told;
    this.shown = shown;
    this.waiting = []; // in order
    this.trouble = ""; // why nothing can be sent now
    this.sent = 0;
    this.number = 0;
    this.tries = 0;
    this.busy = false;
    this.timer = 0;
    window.addEventListener("online", () => this.now());
  }

  /** Hold this window's place, and take over what closed windows left unsent. */
  async start() {
    await this.#hold(this.mine);
    const others = new Set();
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(this.prefix) && !key.startsWith(this.mine)) others.add(key.slice(0, key.lastIndexOf(":") + 1));
    }
    for (const one of others) await this.#adopt(one);
    this.now();
  }

  /** Take a decision: `{item, verb, revision, seen, reason, fields, job}`; `title` and `base` (the fields as they
   * were) stay here. It is safe when this returns. */
  add(wanted) {
    const entry = { decision_id: fresh(), ...wanted };
    if (this.waiting.some((one) => one.item === entry.item)) {
      entry.revision = null; // known once the one before it is answered
      entry.seen = null;
    }
    this.#keep(entry);
    this.waiting.push(entry);
    this.shown();
    this.now();
    return entry;
  }

  /** Whether something about this row is still on its way. */
  has(item) {
    return this.waiting.some((one) => one.item === item);
  }

  /** Send what there is, without waiting any longer. */
  now() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#send(), 0);
  }

  async #send() {
    if (this.busy || !this.waiting.length) return;
    this.busy = true;
    const part = this.#next();
    try {
      const body = part.map(({ key, title, base, ...wanted }) => wanted);
      const answer = await this.api.send("decisions", { decisions: body });
      this.tries = 0;
      this.trouble = "";
      for (const result of answer.results) this.#settle(result);
      if (answer.busy) throw new Away(answer.busy);
    } catch (error) {
      this.#failed(error, part);
    } finally {
      this.busy = false;
      this.shown();
    }
    if (this.waiting.length && !this.trouble) this.now();
  }

  /** As many from the front as do not build on each other: the revision of the second is only known after the first. */
  #next() {
    const items = new Set();
    const part = [];
    for (const entry of this.waiting) {
      if (items.has(entry.item) || part.length === TOGETHER) break;
      items.add(entry.item);
      part.push(entry);
    }
    return part;
  }

  #settle(result) {
    const entry = this.waiting.find((one) => one.decision_id === result.decision_id);
    if (!entry) return;
    this.#forget(entry);
    this.sent += 1;
    const after = this.waiting.filter((one) => one.item === entry.item);
    const following = after[0];
    if (following && result.ok && !result.overtaken) {
      following.revision = following.revision ?? result.row.revision;
      this.#keep(following);
    }
    this.told(result, entry);
    if (!result.ok || result.overtaken) for (const one of after) this.#abandon(one, result);
  }

  /** What was built on a decision that did not happen does not happen either; it is shown, never forced. */
  #abandon(entry, cause) {
    this.#forget(entry);
    const sentence = cause.ok ? "The row was changed elsewhere meanwhile." : "What it was built on was not done.";
    this.told({ ok: false, code: "changed", sentence, field: "", item: entry.item, row: cause.row }, entry);
  }

  #failed(error, part) {
    if (error instanceof Away || error instanceof SignedOut) {
      this.trouble = error.message;
      const wait = WAITS[Math.min(this.tries, WAITS.length - 1)];
      this.tries += 1;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#send(), wait);
      return;
    }
    for (const entry of part) { // the request itself was refused: it would be refused again
      this.#forget(entry);
      const told = { ok: false, code: error.code || "error", sentence: error.message, field: "", item: entry.item };
      this.told({ ...told, row: null }, entry);
    }
  }

  #keep(entry) {
    if (!entry.key) {
      this.number += 1;
      entry.key = `${this.mine}${String(this.number).padStart(9, "0")}`;
    }
    localStorage.setItem(entry.key, JSON.stringify(entry));
  }

  #forget(entry) {
    localStorage.removeItem(entry.key);
    this.waiting = this.waiting.filter((one) => one !== entry);
  }

  /** A lock that lives as long as this window says that the entries below `name` have an owner. */
  #hold(name) {
    return new Promise((held) => {
      navigator.locks.request(name, () => {
        held();
        return new Promise(() => {});
      });
    });
  }

  async #adopt(name) {
    await navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) return;
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(name)).sort();
      for (const key of keys) {
        const entry = JSON.parse(localStorage.getItem(key));
        localStorage.removeItem(key);
        delete entry.key;
        this.#keep(entry);
        this.waiting.push(entry);
      }
    });
  }
}

/** A name that no other decision has. */
export function fresh() {
  return crypto.randomUUID();
}

// The rows of a sitting: their order, which never changes by itself, and what is known of each.

import { later } from "./dom.js";

const BEHIND = 6; // rows around the present one that are read ahead
const AHEAD = 100;
const PART = 50; // rows in one request

export class Book {
  /** `changed(ids)` hears which rows are newly known or different. */
  constructor(api, changed) {
    this.api = api;
    this.changed = changed;
    this.order = [];
    this.places = new Map(); // id → place in the order
    this.briefs = new Map();
    this.wholes = new Map();
    this.asked = new Set();
    this.total = 0;
  }

  /** Lay out a sitting. Without `ids` the program makes the order. */
  async open(filters, ids = null) {
    const found = await this.api.send("queue", { filters, ids });
    this.order = found.rows.map((row) => row.id);
    this.places = new Map(this.order.map((id, place) => [id, place]));
    this.briefs = new Map(found.rows.map((row) => [row.id, row]));
    this.wholes.clear();
    this.asked.clear();
    this.total = found.total;
    return found;
  }

  /** Where a row stands; -1 for one that is not in this sitting. */
  place(id) {
    return this.places.get(id) ?? -1;
  }

  /** A row as far as it is known: whole, else brief. */
  row(id) {
    return this.wholes.get(id) || this.briefs.get(id) || null;
  }

  /** The next row in a direction that `fits`, looking round the end once when `round`. */
  next(from, step, fits = () => true, round = false) {
    const n = this.order.length;
    for (let far = 1; far <= n; far += 1) {
      const place = from + step * far;
      if (!round && (place < 0 || place >= n)) return null;
      const id = this.order[((place % n) + n) % n];
      if (fits(this.row(id))) return id;
    }
    return null;
  }

  /** A row as the program has it now. */
  learn(row) {
    if (!row) return;
    if ("fields" in row) this.wholes.set(row.id, row);
    else {
      const known = this.wholes.get(row.id);
      if (known && known.revision !== row.revision) {
        this.wholes.delete(row.id);
        this.asked.delete(row.id);
      }
    }
    if (this.places.has(row.id)) this.briefs.set(row.id, { ...this.briefs.get(row.id), ...row });
    this.changed([row.id]);
  }

  /** What is shown at once, before the program has answered. */
  expect(id, values) {
    for (const kind of [this.briefs, this.wholes]) {
      const row = kind.get(id);
      if (row) kind.set(id, { ...row, ...values });
    }
    this.changed([id]);
  }

  /** Make sure that a row is whole; answers it. */
  async whole(id) {
    if (!this.wholes.has(id)) await this.fetch([id]);
    return this.wholes.get(id) || null;
  }

  /** Rows by id, whole, in parts. */
  async fetch(ids) {
    const wanted = ids.filter((id) => !this.wholes.has(id));
    for (let start = 0; start < wanted.length; start += PART) {
      const found = await this.api.send("rows", { ids: wanted.slice(start, start + PART) });
      for (const row of found.rows) {
        this.wholes.set(row.id, row);
        if (this.places.has(row.id)) this.briefs.set(row.id, { ...this.briefs.get(row.id), ...row });
      }
      this.changed(found.rows.map((row) => row.id));
    }
  }

  /** Read ahead of a place, most needed first, without being asked twice. */
  ahead(place) {
    const ids = this.order.slice(Math.max(0, place - BEHIND), place + AHEAD);
    const wanted = ids.filter((id) => !this.wholes.has(id) && !this.asked.has(id));
    if (!wanted.length || (wanted.length < PART / 2 && place + AHEAD < this.order.length)) return;
    wanted.forEach((id) => this.asked.add(id));
    later(() => this.fetch(wanted).catch(() => wanted.forEach((id) => this.asked.delete(id))));
  }
}

// What a person does to rows: shown at once, sent in order, undone step by step.

import { count } from "./dom.js";

const STEPS = 500; // that can be undone
const EXPECTED = {
  approve: { status: "Approved", waiting: false, undoable: true, editable: true, hold: false },
  save_approve: { status: "Approved", waiting: false, undoable: true, editable: true, hold: false },
  reject: { status: "Rejected", waiting: false, undoable: true, editable: false },
  pending: { status: "Pending", waiting: true, undoable: false, editable: true },
  hold: { hold: true, status: "Pending", waiting: true },
  unhold: { hold: false, status: "Pending", waiting: true },
  edit: { status: "Pending", waiting: true, undoable: false, editable: true },
  generated: { status: "Pending", waiting: true, undoable: false, editable: true },
};

export class Actions {
  constructor(book, decisions, form, site) {
    this.book = book;
    this.decisions = decisions;
    this.form = form;
    this.store = `penstock:undo:${site}`;
    this.past = read(this.store);
  }

  /** Approve, with what is typed. Answers why not, or "". */
  approve(row) {
    if (!row.fields) return "";
    const fields = this.form.differing(row);
    const typed = Object.keys(fields).length > 0;
    if (!row.waiting && !(typed && row.editable)) return `${row.title} is ${row.status.toLowerCase()} already.`;
    const empty = ["Caption", "alt_text", "Keywords", "File_Name"].filter((name) => !this.form.values(row)[name].trim());
    if (empty.length) return `${row.title} cannot be approved yet: ${empty.join(", ").replace("alt_text", "alt text")} is empty.`;
    if (row.hold) return `${row.title} is on hold; take the hold off first.`;
    const before = Object.fromEntries(Object.keys(fields).map((name) => [name, row.fields[name]]));
    this.#do(row, typed ? "save_approve" : "approve", { fields });
    this.#remember([typed ? { item: row.id, verb: "edit", fields: before } : { item: row.id, verb: "pending" }], "approval", row);
    return "";
  }

  /** Reject with a reason. */
  reject(row, reason) {
    if (!row.waiting) return `${row.title} is ${row.status.toLowerCase()}; only a pending photo can be rejected.`;
    this.#do(row, "reject", { reason });
    this.#remember([{ item: row.id, verb: "pending" }], "rejection", row);
    return "";
  }

  /** Hold, or take off hold. */
  hold(row) {
    if (!row.waiting) return `${row.title} is ${row.status.toLowerCase()}; only a pending photo can be held.`;
    const verb = row.hold ? "unhold" : "hold";
    this.#do(row, verb);
    this.#remember([{ item: row.id, verb: row.hold ? "hold" : "unhold" }], row.hold ? "taking off hold" : "hold", row);
    return "";
  }

  /** Back to pending. */
  pending(row) {
    if (!row.undoable) return `${row.title} is ${row.status.toLowerCase()}; there is no decision to take back.`;
    const again = row.status === "Approved" ? { verb: "approve" } : { verb: "reject", reason: row.decided?.reason || "as before" };
    this.#do(row, "pending");
    this.#remember([{ item: row.id, ...again }], "taking back", row);
    return "";
  }

  /** Save what is typed. */
  save(row) {
    const fields = this.form.differing(row);
    if (!Object.keys(fields).length) return "";
    if (!row.editable) return `${row.title} is ${row.status.toLowerCase()}; it cannot be edited.`;
    this.edit([[row, fields]], "edit");
    return "";
  }

  /** Write fields of rows as one step: pairs of (row, fields). */
  edit(pairs, word) {
    const steps = pairs.map(([row, fields]) => {
      this.#do(row, "edit", { fields });
      const before = Object.fromEntries(Object.keys(fields).map((name) => [name, row.fields[name]]));
      return { item: row.id, verb: "edit", fields: before };
    });
    this.#remember(steps, word, pairs[0][0]);
  }

  /** One verb for many rows, as one step. */
  all(rows, verb, more = {}) {
    rows.forEach((row) => this.#do(row, verb, more));
    this.#remember(rows.map((row) => ({ item: row.id, verb: "pending" })), verb === "approve" ? "approval" : "rejection", rows[0]);
  }

  /** Take generated texts over. */
  take(row, job, fields) {
    const before = Object.fromEntries(Object.keys(fields).map((name) => [name, row.fields[name]]));
    this.#do(row, "generated", { fields, job });
    this.#remember([{ item: row.id, verb: "edit", fields: before }], "generated text", row);
  }

  /** Undo the last step; answers {item, words}, or null when there is none. */
  undo() {
    const last = this.past.pop();
    write(this.store, this.past);
    if (!last) return null;
    for (const step of last.steps) {
      const row = this.book.row(step.item);
      if (!row) continue;
      this.#do(row, step.verb, { fields: step.fields || {}, reason: step.reason || "" });
    }
    const words = last.steps.length > 1 ? `${last.word} of ${count(last.steps.length, "photo")}` : `${last.word} of ${last.title}`;
    return { item: last.steps[0].item, words };
  }

  /** A step that did not happen cannot be undone. */
  fell(entry) {
    for (const one of this.past) one.steps = one.steps.filter((step) => step.item !== entry.item);
    this.past = this.past.filter((one) => one.steps.length);
    write(this.store, this.past);
  }

  #do(row, verb, { fields = {}, reason = "", job = null } = {}) {
    const seen = ["approve", "save_approve"].includes(verb) ? row.seen || null : null;
    const base = Object.fromEntries(Object.keys(fields).map((name) => [name, row.fields?.[name] ?? ""]));
    this.decisions.add({ item: row.id, verb, revision: row.revision, seen, reason, fields, job, title: row.title, base });
    const now = row.fields ? { fields: { ...row.fields, ...fields } } : {};
    this.book.expect(row.id, { ...EXPECTED[verb], ...now });
    if (Object.keys(fields).length) this.form.forget(row.id);
  }

  #remember(steps, word, row) {
    this.past.push({ steps, word, title: row.title });
    this.past = this.past.slice(-STEPS);
    write(this.store, this.past);
  }
}

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) || "[]");
  } catch {
    return [];
  }
}

function write(key, past) {
  sessionStorage.setItem(key, JSON.stringify(past));
}

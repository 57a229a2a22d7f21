// What a person must know of the row before deciding: above its fields, in full sentences.

import { diff, element } from "./dom.js";

const NAMES = { alt_text: "Alt text", File_Name: "File name", QR: "Quality rating" };

export class Notices {
  constructor(form, generate, saving) {
    this.form = form;
    this.generate = generate;
    this.saving = saving;
  }

  /** Elements, most pressing first. */
  of(row) {
    const found = [...this.saving.about(row.id)];
    if (row.fields) {
      for (const name of this.form.clashes(row)) found.push(this.#clash(row, name));
      if (row.problem) found.push(element("p", { class: "alert" }, row.problem));
      const offer = this.generate.notice(row);
      if (offer) found.push(offer);
      if (row.not_ready && !this.form.dirty(row)) found.push(element("p", { class: "muted" }, `It cannot be approved yet: ${row.not_ready}.`));
    }
    if (row.decided && row.decided.word === "Rejected" && row.status === "Rejected") found.push(rejected(row));
    return found;
  }

  #clash(row, name) {
    const mine = element("button", { type: "button" }, "Keep mine");
    mine.addEventListener("click", () => this.form.insist(row));
    const theirs = element("button", { type: "button" }, "Take theirs");
    theirs.addEventListener("click", () => this.form.set(name, row.fields[name]));
    const text = diff([["gone", `${this.form.values(row)[name]} `], ["new", row.fields[name]]]);
    const head = element("p", {}, `${NAMES[name] || name} was changed elsewhere while you typed (yours, then theirs):`);
    return element("div", { class: "offer" }, head, text, element("div", { class: "own" }, mine, theirs));
  }
}

function rejected(row) {
  return element("p", { class: "muted" }, `Rejected by ${row.decided.who}: “${row.decided.reason}”`);
}

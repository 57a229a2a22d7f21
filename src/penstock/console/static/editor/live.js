// What can be said of a field while it is typed: is the name free, which class has the rating.

import { quiet } from "./dom.js";

const WAIT = 250; // milliseconds of quiet

export class Live {
  constructor(api, form) {
    this.api = api;
    this.form = form;
    this.look = quiet((row, name, value) => this.#look(row, name, value), WAIT);
  }

  async #look(row, name, value) {
    if (value === row.fields[name]) this.form.say(name, "");
    else if (name === "File_Name") await this.#ask(row, name, "name", { item: row.id, name: value }, (told) => (told.sentence ? "" : "This name is free."));
    else if (name === "QR") await this.#ask(row, name, "rating", { rating: value }, (told) => (told.qc ? `Class ${told.qc}` : ""));
    else this.form.say(name, "");
  }

  async #ask(row, field, address, body, good) {
    try {
      const told = await this.api.send(address, body);
      const still = this.form.row && this.form.row.id === row.id && this.form.values()[field] === (body.name ?? body.rating);
      if (still) this.form.say(field, told.sentence || good(told), Boolean(told.sentence));
    } catch {
      this.form.say(field, "It cannot be checked now.", false);
    }
  }
}

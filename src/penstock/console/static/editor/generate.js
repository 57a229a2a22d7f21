// Generate: texts that are written anew in the background, and never over what somebody typed meanwhile.

import { ask, byId, element } from "./dom.js";
import { ending } from "./batch.js";

const NAMES = { Caption: "Caption", alt_text: "Alt text", Keywords: "Keywords" };
const EVERY = 1000; // milliseconds between two looks

export class Generate {
  /** `changed(id)` hears that something happened to a row's generation. */
  constructor(api, book, actions, form, changed, said) {
    Object.assign(this, { api, book, actions, form, changed, said });
    this.jobs = new Map(); // row → its newest job, with what was typed when it was wished for
    this.timer = 0;
  }

  /** Ask which fields, then wish for them. */
  async wish(ids) {
    const fields = await ask(ids.length > 1 ? `Generate texts of ${ids.length} photos` : "Generate anew", (close) => which(close));
    if (!fields) return;
    try {
      for (let start = 0; start < ids.length; start += 200) await this.#ask(ids.slice(start, start + 200), fields);
      this.said(`New texts are being written. Go on meanwhile.`);
    } catch (error) {
      this.said(error.message);
    }
  }

  async #ask(items, fields) {
    const found = await this.api.send("generate", { items, fields });
    for (const job of found.jobs) this.#learn({ ...job, here: true, typed: this.#typed(job.item) });
    this.#look();
  }

  /** A row came from the program, perhaps with a generation that nobody has taken. */
  meet(row) {
    if (!row.job || this.jobs.has(row.id)) return;
    this.#learn({ ...row.job, here: false, typed: this.#typed(row.id) });
    if (row.job.state === "working") this.#look();
  }

  /** What is to be told of a row's generation: an element, or null. */
  notice(row) {
    const job = this.jobs.get(row.id);
    if (!job || job.taken) return null;
    if (job.state === "working") return element("p", { class: "generating", role: "status" }, "New texts are being written…");
    if (job.state !== "done") return this.#note(row, job, `No new texts: ${job.problem || "it failed"}.`);
    return this.#offer(row, job);
  }

  #learn(job) {
    this.jobs.set(job.item, { ...this.jobs.get(job.item), ...job });
    this.changed(job.item);
  }

  #typed(id) {
    return { ...this.form.drafts.get(id) };
  }

  #look() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#poll(), EVERY);
  }

  async #poll() {
    const open = [...this.jobs.values()].filter((job) => ["working", "stopped"].includes(job.state)).map((job) => job.job);
    if (!open.length) return;
    try {
      const found = await this.api.send("jobs", { jobs: open.slice(0, 400) });
      for (const job of found.jobs) await this.#came(job);
    } catch {
      // the next look asks again
    }
    this.#look();
  }

  async #came(job) {
    const known = this.jobs.get(job.item);
    if (known.state === job.state && known.problem === job.problem) return;
    this.#learn(job);
    if (job.state === "done" && known.here) await this.#take(job.item);
  }

  /** Take what came for fields that nobody has touched since; the rest is offered. */
  async #take(id) {
    const job = this.jobs.get(id);
    const row = await this.book.whole(id).catch(() => null);
    if (!row || !row.editable) return;
    const now = this.form.drafts.get(id) || {};
    const free = Object.keys(job.texts).filter((name) => now[name] === undefined && job.texts[name] !== row.fields[name]);
    if (free.length < Object.keys(job.texts).length) return this.changed(id);
    this.#write(row, job, free);
    return this.said(`New texts for ${row.title}.`);
  }

  #write(row, job, names) {
    const fields = Object.fromEntries(names.map((name) => [name, job.texts[name]]));
    this.#learn({ item: row.id, taken: true });
    if (names.length) this.actions.take(row, job.job, fields);
    this.changed(row.id);
  }

  /** A generated text could not be saved: it is offered again, with the reason. */
  refused(id, sentence) {
    if (this.jobs.has(id)) this.#learn({ item: id, taken: true, problem: sentence });
  }

  #offer(row, job) {
    const names = Object.keys(job.texts).filter((name) => job.texts[name] !== this.form.values(row)[name]);
    if (!names.length) return null;
    const typed = names.some((name) => (this.form.drafts.get(row.id) || {})[name] !== undefined);
    const head = element("p", {}, typed ? "New texts came while you typed. Nothing was overwritten:" : "New texts are there:");
    const list = names.map((name) => {
      const use = element("button", { type: "button", "aria-label": `Use the new ${NAMES[name].toLowerCase()}` }, "Use");
      use.addEventListener("click", () => {
        this.form.set(name, job.texts[name]);
        this.changed(row.id);
      });
      return element("li", {}, element("span", { class: "label" }, NAMES[name]), element("p", { dir: "auto" }, job.texts[name]), use);
    });
    const all = element("button", { type: "button" }, "Use all");
    all.addEventListener("click", () => {
      this.form.forget(row.id);
      this.#write(row, job, Object.keys(job.texts).filter((name) => job.texts[name] !== row.fields[name]));
    });
    return element("div", { class: "offer" }, head, element("ul", {}, ...list), element("div", { class: "own" }, all, this.#drop(row)));
  }

  #note(row, job, sentence) {
    return element("div", { class: "offer" }, element("p", { class: "wrong" }, sentence), this.#drop(row));
  }

  #drop(row) {
    const drop = element("button", { type: "button" }, "Dismiss");
    drop.addEventListener("click", () => this.#learn({ item: row.id, taken: true }));
    return drop;
  }
}

function which(close) {
  const boxes = Object.entries(NAMES).map(([name, text]) => [name, element("input", { type: "checkbox", checked: true }), text]);
  const form = element(
    "form", { class: "stack" },
    element("p", { class: "muted" }, "They are written in the background, in the way that the site's settings say."),
    element("fieldset", { class: "checks" }, element("legend", {}, "What"), ...boxes.map(([, box, text]) => element("label", { class: "check" }, box, ` ${text}`))),
    ending("Generate", close),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = boxes.filter(([, box]) => box.checked).map(([name]) => name);
    close(fields.length ? fields : null);
  });
  return form;
}

// Everything that is told of a row beside its fields. What takes long is asked for when somebody looks.

import { byId, diff, element, moment } from "./dom.js";

export class Panel {
  constructor(api) {
    this.api = api;
    this.row = null;
    this.past = new Map(); // "id:revision" → story
    for (const name of ["more-diff", "more-past", "more-facts", "more-rules"]) {
      byId(name).addEventListener("toggle", () => this.row && this.#details());
    }
  }

  /** What must be there at once. */
  show(row) {
    this.row = row;
    byId("row-title").textContent = row.title;
    byId("panel").className = `panel is-${row.status.toLowerCase()}`;
    byId("badges").replaceChildren(...badges(row));
    byId("flags").hidden = !row.flags.length;
    byId("flags").replaceChildren(...row.flags.map((flag) => element("li", {}, flag)));
  }

  /** The rest, when the photo is painted. */
  async finish(row) {
    if (row !== this.row || !row.fields) return;
    byId("rules-n").textContent = row.changes.length ? `(${row.changes.length})` : "(nothing)";
    await this.#details();
  }

  async #details() {
    const row = this.row;
    if (!row.fields) return;
    if (byId("more-rules").open) byId("rules").replaceChildren(...row.changes.map(change));
    if (byId("more-facts").open) byId("facts").replaceChildren(...facts(row, await this.#story(row)));
    if (byId("more-diff").open || byId("more-past").open) this.#tell(row, await this.#story(row));
  }

  #tell(row, story) {
    if (row !== this.row || !story) return;
    const diffs = Object.entries(story.diffs).flatMap(([name, pieces]) => [
      element("h3", {}, { alt_text: "Alt text" }[name] || name), diff(pieces),
    ]);
    byId("diff").replaceChildren(...(diffs.length ? diffs : [element("p", { class: "muted" }, "As it was generated.")]));
    const past = story.past.map(step);
    byId("past").replaceChildren(...(past.length ? past : [element("li", { class: "muted" }, "Nobody has decided yet.")]));
  }

  async #story(row) {
    const key = `${row.id}:${row.revision}`;
    if (!this.past.has(key)) {
      try {
        this.past.set(key, await this.api.send("past", { item: row.id }));
      } catch (error) {
        byId("diff").textContent = byId("past").textContent = error.message;
      }
    }
    return this.past.get(key);
  }
}

/** Class, rating and status, in words. */
export function badges(row) {
  const quality = row.rating === null ? row.qc : `${row.qc} ${row.rating.toFixed(1)}`;
  const kind = row.qc.toLowerCase().replace(/ /g, "-");
  const status = row.waiting && row.hold ? "On hold" : row.status;
  return [
    quality === "NA" ? null : element("span", { class: `badge qc-${kind}` }, quality),
    element("span", { class: "badge status" }, status),
  ].filter(Boolean);
}

function change(one) {
  const why = element("p", {}, element("span", { class: "label" }, `${one.field} `), `${one.reason} `);
  why.append(element("span", { class: "muted" }, `(rule ${one.rule})`));
  return element("li", {}, why, diff(one.pieces));
}

function facts(row, story) {
  const scores = row.scores.map((one) => [one.name, one.value.toFixed(2), one.by]);
  const told = [...scores, ...row.facts.map(([name, value]) => [name, value, ""])];
  if (row.written_by) told.push(["Text by", row.written_by, ""]);
  const made = told.map(([name, value, by]) => fact(name, value, by ? element("span", { class: "muted" }, ` (${by})`) : null));
  if (story && story.written_at) made.push(fact("Text written", moment(story.written_at)));
  if (row.edited.length) made.push(fact("Edited by a person", row.edited.join(", ").replace("alt_text", "Alt text")));
  if (row.run) made.push(fact("Run", element("a", { href: `/runs/${encodeURIComponent(row.run)}` }, row.run)));
  made.push(fact("Item", String(row.id)));
  return made;
}

function fact(name, ...value) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, ...value));
}

function step(one) {
  const head = element("p", {}, element("strong", {}, one.word), ` by ${one.who}, `, moment(one.at));
  if (one.reason) head.append(`: “${one.reason}”`);
  const changes = one.changes.flatMap((each) => [element("span", { class: "label" }, each.field), diff(each.pieces)]);
  return element("li", {}, head, ...changes);
}

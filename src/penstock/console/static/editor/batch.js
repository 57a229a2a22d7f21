// Many photos at once: approve after a typed count, reject, edit, find and replace with a preview.

import { ask, byId, count, diff, element } from "./dom.js";
import { words } from "./form.js";

const SHOWN = 100; // replacements in the preview
const TEXTS = { Caption: "Caption", alt_text: "Alt text", Keywords: "Keywords", Subject: "Subject" };

export class Batch {
  constructor(book, actions, choices, say) {
    this.book = book;
    this.actions = actions;
    this.choices = choices;
    this.say = say;
  }

  /** Approve rows, once somebody has typed how many they are. */
  async approve(ids) {
    const rows = await this.#rows(ids);
    const good = rows.filter((row) => row.waiting && !row.not_ready);
    const left = rows.length - good.length;
    if (!good.length) return this.say("None of these photos can be approved: they are decided, on hold or not complete.");
    const answer = await ask(`Approve ${count(good.length, "photo")}`, (close) => typed(good.length, left, close));
    if (answer !== good.length) return undefined;
    this.actions.all(good, "approve");
    return this.say(`${count(good.length, "photo")} approved.`);
  }

  /** Reject rows, all for one reason. */
  async reject(ids, why) {
    const rows = (await this.#rows(ids)).filter((row) => row.waiting);
    if (!rows.length) return this.say("None of these photos is pending.");
    const reason = await why(`Why are ${count(rows.length, "photo")} rejected?`);
    if (!reason) return undefined;
    this.actions.all(rows, "reject", { reason });
    return this.say(`${count(rows.length, "photo")} rejected.`);
  }

  /** Set fields of rows, add and remove keywords. */
  async edit(ids) {
    const rows = (await this.#rows(ids)).filter((row) => row.editable);
    if (!rows.length) return this.say("None of these photos can be edited now.");
    const wanted = await ask(`Edit ${count(rows.length, "photo")}`, (close) => this.#form(close));
    if (!wanted) return undefined;
    return this.#write(rows.map((row) => [row, edited(row, wanted)]), "edit");
  }

  /** Replace a text in rows: what would change is shown first. */
  async replace(ids) {
    const rows = (await this.#rows(ids)).filter((row) => row.editable);
    if (!rows.length) return this.say("None of these photos can be edited now.");
    const pairs = await ask(`Find and replace in ${count(rows.length, "photo")}`, (close) => replacing(rows, close));
    return pairs ? this.#write(pairs, "replacement") : undefined;
  }

  #write(pairs, word) {
    const changed = pairs.filter(([row, fields]) => Object.keys(fields).some((name) => fields[name] !== row.fields[name]));
    if (!changed.length) return this.say("Nothing was changed.");
    this.actions.edit(changed, word);
    return this.say(`${count(changed.length, "photo")} changed. An approval of one is void by it.`);
  }

  async #rows(ids) {
    await this.book.fetch(ids);
    return ids.map((id) => this.book.row(id)).filter((row) => row && row.fields);
  }

  #form(close) {
    const subject = element("input", { name: "Subject", maxLength: 120 });
    const lists = ["Location", "Folder"].map((name) => [name, this.#select(name)]);
    const plus = element("input", { name: "plus", maxLength: 300 });
    const minus = element("input", { name: "minus", maxLength: 300 });
    const form = element(
      "form", { class: "stack" }, element("p", { class: "muted" }, "What is left empty stays as it is."),
      labelled("Subject", subject), ...lists.map(([name, input]) => labelled(name, input)),
      labelled("Add keywords, separated by commas", plus), labelled("Remove keywords", minus), ending("Change them", close),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const fields = { Subject: subject.value.trim(), Location: lists[0][1].value, Folder: lists[1][1].value };
      const chosen = Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
      close({ fields: chosen, plus: words(plus.value.toLowerCase()), minus: words(minus.value.toLowerCase()) });
    });
    return form;
  }

  #select(name) {
    const names = name === "Location" ? this.choices.locations : this.choices.folders;
    const options = Object.entries(names).map(([value, text]) => element("option", { value }, text));
    return element("select", {}, element("option", { value: "" }, "As it is"), ...options);
  }
}

function edited(row, { fields, plus, minus }) {
  const kept = words(row.fields.Keywords).filter((word) => !minus.includes(word.toLowerCase()));
  const all = [...new Set([...kept, ...plus])].join(", ");
  return all === row.fields.Keywords || !all ? fields : { ...fields, Keywords: all };
}

function typed(n, left, close) {
  const input = element("input", { inputMode: "numeric", autocomplete: "off", required: true });
  const wrong = element("p", { class: "wrong", role: "alert" });
  const more = left ? ` ${count(left, "other")} of the selection ${left === 1 ? "is" : "are"} left out: decided, on hold or not complete.` : "";
  const form = element(
    "form", { class: "stack" },
    element("p", {}, `They are approved exactly as they stand now, without being looked at one by one.${more}`),
    labelled(`Type ${n} to approve ${count(n, "photo")}`, input), wrong, ending("Approve", close),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim() === String(n)) close(n);
    else wrong.textContent = `That is not ${n}; nothing was approved.`;
  });
  return form;
}

function replacing(rows, close) {
  const find = element("input", { required: true, maxLength: 200 });
  const by = element("input", { maxLength: 200 });
  const whole = element("input", { type: "checkbox", checked: true });
  const exact = element("input", { type: "checkbox" });
  const where = Object.entries(TEXTS).map(([name, text]) => [name, element("input", { type: "checkbox", checked: name !== "Subject" }), text]);
  const preview = element("div", { class: "preview", "aria-live": "polite" });
  const form = element(
    "form", { class: "stack" }, labelled("Find", find), labelled("Replace by", by),
    element("fieldset", { class: "checks" }, element("legend", {}, "In"), ...where.map(([, box, text]) => check(box, text))),
    element("div", { class: "checks" }, check(whole, "Whole words"), check(exact, "Capitals as typed")), preview, ending("Replace", close),
  );
  let pairs = [];
  const look = () => {
    const names = where.filter(([, box]) => box.checked).map(([name]) => name);
    pairs = replaced(rows, find.value, by.value, names, whole.checked, exact.checked);
    preview.replaceChildren(...previewed(pairs, find.value));
  };
  form.addEventListener("input", look);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
    if (pairs.length) close(pairs);
  });
  return form;
}

/** Pairs of (row, new fields) that a replacement makes. */
export function replaced(rows, find, by, names, whole, exact) {
  if (!find) return [];
  const quoted = find.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const edge = "[\\p{L}\\p{N}_]";
  const pattern = new RegExp(whole ? `(?<!${edge})${quoted}(?!${edge})` : quoted, exact ? "gu" : "giu");
  const pairs = rows.map((row) => {
    const found = names.map((name) => [name, row.fields[name], tidy(name, row.fields[name], row.fields[name].replace(pattern, () => by))]);
    return [row, Object.fromEntries(found.filter(([, old, now]) => old !== now).map(([name, , now]) => [name, now]))];
  });
  return pairs.filter(([, fields]) => Object.keys(fields).length);
}

/** What was cut leaves no gap: one space between words, no empty keyword. */
function tidy(name, old, now) {
  if (now === old) return old;
  return name === "Keywords" ? words(now).join(", ") : now.replace(/\s+([.,;:!?])/g, "$1").replace(/\s{2,}/g, " ").trim();
}

function previewed(pairs, find) {
  if (!find) return [];
  const told = pairs.slice(0, SHOWN).map(([row, fields]) => element(
    "li", {}, element("span", { class: "mono muted" }, row.title),
    ...Object.entries(fields).map(([name, now]) => diff([["gone", `${row.fields[name]} `], ["new", now]])),
  ));
  const more = pairs.length > SHOWN ? ` The first ${SHOWN}:` : "";
  const head = pairs.length ? `${count(pairs.length, "photo")} would change.${more}` : "Nothing is found.";
  return [element("p", {}, head), element("ul", { class: "changes" }, ...told)];
}

function labelled(text, input) {
  return element("label", {}, text, input);
}

function check(box, text) {
  return element("label", { class: "check" }, box, ` ${text}`);
}

/** The buttons at the end of a dialog's form. */
export function ending(word, close) {
  const no = element("button", { type: "button" }, "Cancel");
  no.addEventListener("click", () => close(null));
  return element("div", { class: "own" }, element("button", { class: "primary" }, word), no);
}

/** The buttons of the bar. */
export function listen(run) {
  byId("batch").addEventListener("click", (event) => {
    const button = event.target.closest("[data-batch]");
    if (button) run(button.dataset.batch);
  });
}

// The fields of a row: what is typed stays typed until it is saved or forgotten, whatever is looked at meanwhile.

import { byId, count, element, quiet } from "./dom.js";

const PLAIN = ["Caption", "alt_text", "File_Name", "Subject", "QR", "Location", "Folder"];
const CAPTION = [8, 24]; // words
const ALT = [10, 18];
const ALT_MOST = 125; // characters that screen readers read in one go
const KEYWORDS = [10, 15];

export class Form {
  /** `changed(id)` hears that something was typed, or is as it was again. */
  constructor(site, choices, changed) {
    this.store = `penstock:typed:${site}`;
    this.changed = changed;
    this.row = null;
    this.drafts = new Map(read(this.store));
    this.bases = new Map(read(`${this.store}:on`)); // what was stored when typing began
    this.inputs = Object.fromEntries(PLAIN.map((name) => [name, byId(`f-${name}`)]));
    this.adding = byId("f-Keywords");
    this.chips = byId("chips");
    fill(this.inputs.Location, choices.locations);
    fill(this.inputs.Folder, choices.folders);
    for (const name of PLAIN) this.inputs[name].addEventListener("input", () => this.#typed(name));
    this.#listenToKeywords();
    this.remember = quiet(() => this.#write(), 300);
  }

  /** Show a row's fields, with what was typed into them. */
  show(row) {
    this.row = row;
    const values = this.values();
    for (const name of PLAIN) this.#put(name, values[name]);
    this.adding.value = "";
    this.#drawChips(words(values.Keywords));
    this.#lock(!row.editable);
    for (const name of PLAIN) byId(`u-${name}`)?.replaceChildren();
    byId("u-Keywords").replaceChildren();
    this.#measure();
  }

  /** The fields of a row as they are typed now. */
  values(row = this.row) {
    return { ...row.fields, ...this.drafts.get(row.id) };
  }

  /** What differs from what is stored. */
  differing(row = this.row) {
    const draft = this.drafts.get(row.id) || {};
    return Object.fromEntries(Object.entries(draft).filter(([name, value]) => value !== row.fields[name]));
  }

  /** Whether something is typed and not saved. */
  dirty(row = this.row) {
    return Boolean(row && row.fields && Object.keys(this.differing(row)).length);
  }

  /** Fields that were changed elsewhere since somebody began to type here. */
  clashes(row = this.row) {
    const base = this.bases.get(row.id) || {};
    const draft = this.drafts.get(row.id) || {};
    return Object.keys(draft).filter((name) => base[name] !== undefined && base[name] !== row.fields[name]);
  }

  /** What is typed here stands against what is stored by now. */
  insist(row = this.row) {
    this.bases.set(row.id, Object.fromEntries(Object.keys(row.fields).map((name) => [name, row.fields[name]])));
    this.remember();
    this.changed(row.id);
  }

  /** Set a field as if it had been typed. */
  set(name, value) {
    if (name === "Keywords") this.#drawChips(words(value));
    else this.inputs[name].value = value;
    this.#typed(name);
  }

  /** Forget what was typed into a row: it was saved, or is not wanted. */
  forget(id) {
    this.drafts.delete(id);
    this.bases.delete(id);
    this.remember();
    if (this.row && this.row.id === id) this.show(this.row);
    this.changed(id);
  }

  /** Put back what was typed, over what was stored then: it could not be saved. */
  keep(id, fields, base) {
    this.drafts.set(id, { ...fields, ...this.drafts.get(id) });
    this.bases.set(id, { ...base, ...this.bases.get(id) });
    this.remember();
    if (this.row && this.row.id === id) this.show(this.row);
    this.changed(id);
  }

  /** A sentence below a field. */
  say(name, sentence, bad = true) {
    const place = byId(`u-${name}`);
    if (!place) return;
    const input = name === "Keywords" ? this.adding : this.inputs[name];
    place.querySelector(".sentence")?.remove();
    input.toggleAttribute("aria-invalid", Boolean(sentence) && bad);
    if (sentence) place.prepend(element("p", { class: bad ? "sentence wrong" : "sentence", id: `s-${name}` }, sentence));
    if (sentence) input.setAttribute("aria-describedby", `s-${name}`);
    else input.removeAttribute("aria-describedby");
  }

  #write() {
    write(this.store, this.drafts);
    write(`${this.store}:on`, this.bases);
  }

  #put(name, value) {
    const input = this.inputs[name];
    if (input.tagName === "SELECT" && ![...input.options].some((option) => option.value === value)) {
      input.prepend(element("option", { value }, value));
    }
    if (input.value !== value) input.value = value;
    input.removeAttribute("aria-invalid");
  }

  #typed(name) {
    if (!this.row || !this.row.fields) return;
    const value = name === "Keywords" ? this.#keywords().join(", ") : this.inputs[name].value;
    const draft = { ...this.drafts.get(this.row.id), [name]: value };
    if (value === this.row.fields[name]) delete draft[name];
    this.bases.set(this.row.id, { [name]: this.row.fields[name], ...this.bases.get(this.row.id) });
    if (Object.keys(draft).length) this.drafts.set(this.row.id, draft);
    else this.drafts.delete(this.row.id);
    if (!this.drafts.has(this.row.id)) this.bases.delete(this.row.id);
    this.remember();
    this.#measure();
    this.changed(this.row.id, name, value);
  }

  #lock(locked) {
    for (const name of PLAIN) {
      if (this.inputs[name].tagName === "SELECT") this.inputs[name].disabled = locked;
      else this.inputs[name].readOnly = locked;
    }
    this.adding.readOnly = locked;
    this.chips.classList.toggle("locked", locked);
  }

  // -- keywords ---------------------------------------------------------------------------------------------

  #keywords() {
    return [...this.chips.querySelectorAll(".chip")].map((chip) => chip.dataset.word);
  }

  #drawChips(list) {
    this.chips.replaceChildren(...list.map((word) => this.#chip(word)));
  }

  #chip(word) {
    const remove = element("button", { type: "button", class: "chip-remove", "aria-label": `Remove ${word}` }, "×");
    return element("li", { class: "chip", dataset: { word }, dir: "auto" }, element("span", {}, word), remove);
  }

  #listenToKeywords() {
    this.chips.addEventListener("click", (event) => {
      const chip = event.target.closest(".chip-remove")?.closest(".chip");
      if (!chip || this.adding.readOnly) return;
      const following = chip.nextElementSibling?.querySelector("button") || this.adding;
      chip.remove();
      following.focus();
      this.#typed("Keywords");
    });
    this.adding.addEventListener("keydown", (event) => {
      if ((event.key === "Enter" && !event.ctrlKey) || event.key === ",") {
        event.preventDefault();
        this.#addTyped();
      } else if (event.key === "Backspace" && !this.adding.value) {
        this.#takeBackLast();
      }
    });
    this.adding.addEventListener("blur", () => this.#addTyped());
    this.adding.addEventListener("paste", () => setTimeout(() => this.adding.value.includes(",") && this.#addTyped()));
  }

  #addTyped() {
    const there = this.#keywords();
    const fresh = words(this.adding.value).map((word) => word.toLowerCase()).filter((word) => !there.includes(word));
    this.adding.value = "";
    if (!fresh.length) return;
    this.chips.append(...fresh.map((word) => this.#chip(word)));
    this.#typed("Keywords");
  }

  #takeBackLast() {
    const last = this.chips.querySelector(".chip:last-child");
    if (!last || this.adding.readOnly) return;
    this.adding.value = last.dataset.word;
    last.remove();
    this.#typed("Keywords");
  }

  // -- meters -----------------------------------------------------------------------------------------------

  #measure() {
    const values = this.values();
    meter("Caption", length(values.Caption), "word", CAPTION);
    const long = values.alt_text.length > ALT_MOST ? ` · ${values.alt_text.length} of ${ALT_MOST} characters` : "";
    meter("alt_text", length(values.alt_text), "word", ALT, long);
    meter("Keywords", words(values.Keywords).length, "keyword", KEYWORDS);
  }
}

/** Keywords of a list with commas. */
export function words(text) {
  return [...new Set(text.split(",").map((word) => word.trim().replace(/\s+/g, " ")).filter(Boolean))];
}

function length(text) {
  return (text.match(/\S+/g) || []).length;
}

function meter(name, n, word, [least, most], more = "") {
  const place = byId(`m-${name}`);
  const odd = n < least || n > most || more;
  const advice = odd ? `, better ${least} to ${most}` : "";
  place.textContent = `${count(n, word)}${n < least || n > most ? advice : ""}${more}`;
  place.classList.toggle("odd", Boolean(odd));
}

function fill(select, names) {
  select.replaceChildren(...Object.entries(names).map(([value, text]) => element("option", { value }, text)));
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) || "[]");
  } catch {
    return [];
  }
}

function write(key, drafts) {
  if (drafts.size) localStorage.setItem(key, JSON.stringify([...drafts]));
  else localStorage.removeItem(key);
}

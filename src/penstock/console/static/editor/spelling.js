// Spelling of what is typed: words that nobody knows stand below their field, each with what may be meant.

import { ask, byId, element, quiet } from "./dom.js";

const FIELDS = ["Caption", "alt_text", "Keywords", "Subject"];
const WAIT = 500; // milliseconds of quiet before it is looked

export class Spelling {
  constructor(api, form, own, said) {
    this.words = own; // that the people of this site added
    this.api = api;
    this.form = form;
    this.said = said;
    this.look = quiet(() => this.check(), WAIT);
  }

  /** Look at the fields of the row that is shown. */
  async check() {
    const row = this.form.row;
    if (!row || !row.fields || !row.editable) return;
    const values = this.form.values(row);
    const texts = Object.fromEntries(FIELDS.map((name) => [name, values[name]]));
    try {
      const found = await this.api.send("spell", { texts });
      if (this.form.row && this.form.row.id === row.id) this.#show(found.unknown);
    } catch {
      this.#show({}); // spelling can wait until the program answers again
    }
  }

  #show(unknown) {
    for (const name of FIELDS) {
      const place = byId(`u-${name}`);
      const found = unknown[name] || [];
      const shown = place.querySelector(".spelling");
      if (shown && shown.dataset.words === found.join(" ")) continue; // a menu in it may be open
      shown?.remove();
      if (found.length) place.append(this.#list(name, found));
    }
  }

  #list(name, found) {
    const items = found.map((word) => element("li", {}, this.#word(name, word)));
    const words = found.join(" ");
    return element("ul", { class: "spelling", "aria-label": "Not in the dictionary", dataset: { words } }, ...items);
  }

  #word(name, word) {
    const summary = element("summary", {}, word);
    const menu = element("details", { class: "word", name: "spelling" }, summary);
    menu.addEventListener("toggle", async () => {
      if (!menu.open || menu.children.length > 1) return;
      const box = element("div", { class: "meant" });
      menu.append(box);
      let meant = [];
      try {
        meant = (await this.api.send("suggest", { word })).suggestions;
      } catch (error) {
        box.append(error.message);
      }
      box.append(...meant.map((one) => this.#choice(one, () => this.#replace(name, word, one))));
      if (!meant.length) box.append(element("span", { class: "muted" }, "Nothing similar is known. "));
      box.append(this.#choice(`Add “${word}” to the dictionary`, () => this.#add(word)));
    });
    return menu;
  }

  #choice(text, work) {
    const button = element("button", { type: "button" }, text);
    button.addEventListener("click", work);
    return button;
  }

  #replace(name, word, by) {
    const quoted = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])${quoted}(?![\\p{L}\\p{N}_])`, "u");
    this.form.set(name, this.form.values()[name].replace(pattern, () => by));
    byId(name === "Keywords" ? "f-Keywords" : `f-${name}`).focus();
    this.check();
  }

  async #add(word) {
    try {
      this.words = (await this.api.send("add_word", { word })).words;
      this.said(`“${word}” is in the dictionary of this site now.`);
      await this.check();
    } catch (error) {
      this.said(error.message);
    }
  }
}

/** The site's own words in a dialog; each can be forgotten. */
export async function dictionary(spelling) {
  const box = chips(spelling);
  await ask("Words of this site", (close) => {
    const done = element("button", { type: "button", class: "primary", autofocus: true }, "Close");
    done.addEventListener("click", () => close(null));
    const why = "People here added these words to the dictionary. Places, folders, subjects and gear are known by themselves.";
    return element("div", {}, element("p", { class: "muted" }, why), box, element("div", { class: "own" }, done));
  });
}

function chips(spelling) {
  const box = element("ul", { class: "chips", "aria-label": "Words of this site" });
  const draw = (list) => box.replaceChildren(...list.map((word) => {
    const forget = element("button", { type: "button", class: "chip-remove", "aria-label": `Forget ${word}` }, "×");
    forget.addEventListener("click", async () => {
      try {
        spelling.words = (await spelling.api.send("forget_word", { word })).words;
        draw(spelling.words);
        spelling.look();
      } catch (error) {
        spelling.said(error.message);
      }
    });
    return element("li", { class: "chip" }, element("span", {}, word), forget);
  }));
  draw(spelling.words);
  return box;
}

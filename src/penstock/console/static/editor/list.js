// All rows of the sitting at once, as a grid or a list, and which of them are selected.

import { badges } from "./panel.js";
import { byId, count, element } from "./dom.js";

const PART = 200; // cells that are made in one go

export class List {
  /** `opened(id)` hears which row is to be looked at. */
  constructor(book, opened) {
    this.book = book;
    this.opened = opened;
    this.cells = new Map();
    this.picked = new Set();
    this.last = null;
    this.box = byId("cells");
    this.box.addEventListener("click", (event) => this.#clicked(event));
    this.box.addEventListener("keydown", (event) => this.#moved(event));
    byId("pick-all").addEventListener("change", (event) => this.pickAll(event.target.checked));
    this.#tell();
  }

  /** A new sitting. */
  reset() {
    this.cells.clear();
    this.box.replaceChildren();
    const there = new Set(this.book.order);
    this.picked = new Set([...this.picked].filter((id) => there.has(id)));
    this.#tell();
  }

  /** Make the cells, a part at a time so that the page answers meanwhile. */
  draw() {
    const from = this.cells.size;
    const part = this.book.order.slice(from, from + PART);
    if (!part.length) return;
    for (const id of part) this.cells.set(id, this.#cell(this.book.row(id)));
    this.box.append(...part.map((id) => this.cells.get(id)));
    setTimeout(() => this.draw(), 0);
  }

  /** Rows have changed. */
  refresh(ids) {
    for (const id of ids) {
      const cell = this.cells.get(id);
      const row = this.book.row(id);
      if (cell && row) this.#fill(cell, row);
    }
  }

  /** Mark where the person is. */
  mark(id) {
    this.box.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const cell = this.cells.get(id);
    if (!cell) return;
    cell.setAttribute("aria-current", "true");
    if (!byId("many").hidden) cell.scrollIntoView({ block: "nearest" });
  }

  /** Bring the keyboard to a row. */
  focus(id) {
    this.cells.get(id)?.querySelector(".open").focus();
  }

  /** Select or let go one row, or all from the last one to it. */
  pick(id, chosen, range = false) {
    const ids = range && this.last !== null ? this.#between(this.last, id) : [id];
    for (const one of ids) {
      if (chosen) this.picked.add(one);
      else this.picked.delete(one);
      const box = this.cells.get(one)?.querySelector("input");
      if (box) box.checked = chosen;
    }
    this.last = id;
    this.#tell();
  }

  /** All rows of the sitting, or none. */
  pickAll(chosen) {
    this.picked = new Set(chosen ? this.book.order : []);
    for (const cell of this.cells.values()) cell.querySelector("input").checked = chosen;
    this.#tell();
  }

  #between(one, other) {
    const [low, high] = [this.book.place(one), this.book.place(other)].sort((a, b) => a - b);
    return this.book.order.slice(low, high + 1);
  }

  #tell() {
    const n = this.picked.size;
    byId("picked").textContent = n ? `${count(n, "photo")} selected` : "None selected";
    const all = byId("pick-all");
    all.checked = n > 0 && n === this.book.order.length;
    all.indeterminate = n > 0 && !all.checked;
    for (const button of document.querySelectorAll("[data-batch]:not([data-batch=fresh])")) button.disabled = !n;
  }

  #cell(row) {
    const picture = row.picture ? element("img", { src: `${row.picture}&size=small`, alt: "", loading: "lazy", decoding: "async" }) : element("span", { class: "no-picture" }, "No picture");
    const check = element("input", { type: "checkbox", checked: this.picked.has(row.id), "aria-label": `Select ${row.title}` });
    const open = element("button", { type: "button", class: "open" }, picture, element("span", { class: "cell-title" }, row.title));
    const about = element("div", { class: "cell-about" });
    const cell = element("li", { class: "cell", dataset: { item: row.id } }, element("label", { class: "pick" }, check), open, about);
    this.#fill(cell, row);
    return cell;
  }

  #fill(cell, row) {
    cell.className = `cell is-${row.status.toLowerCase()}`;
    const flags = row.flags.length ? [element("span", { class: "cell-flags" }, `⚑ ${row.flags.join("; ")}`)] : [];
    cell.querySelector(".cell-about").replaceChildren(...badges(row), ...flags);
    cell.querySelector(".cell-title").textContent = row.title;
  }

  #clicked(event) {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    const id = Number(cell.dataset.item);
    if (event.target instanceof HTMLInputElement) this.pick(id, event.target.checked, event.shiftKey);
    else if (event.target.closest(".open")) this.opened(id);
  }

  #moved(event) {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    const across = byId("many").classList.contains("as-list") ? 1 : this.#columns();
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const place = this.book.place(Number(cell.dataset.item)) + step;
    this.focus(this.book.order[place]);
  }

  #columns() {
    const top = this.box.firstElementChild?.offsetTop;
    const cells = [...this.box.children];
    const n = cells.findIndex((cell) => cell.offsetTop !== top);
    return n < 1 ? cells.length : n;
  }
}

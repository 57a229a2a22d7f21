// What the sitting shows: the filters, their address, and the order and place that are kept.

import { byId } from "./dom.js";

const NAMES = ["status", "set", "folder", "qc", "flag", "score", "low", "high", "q"];

export class Filters {
  /** `changed(fresh)` hears that other rows are wanted. */
  constructor(changed) {
    this.form = byId("filters");
    this.changed = changed;
    this.counts = null;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.changed(true);
      this.#tell();
    });
    byId("filter-open").addEventListener("click", () => (this.form.hidden ? this.open() : this.#close()));
    for (const id of ["filter-none", "nothing-all"]) byId(id).addEventListener("click", () => this.#none());
    this.#tell();
    if (this.#narrow()) this.#unfold();
  }

  /** The filters as the program reads them. */
  values() {
    const form = new FormData(this.form);
    return Object.fromEntries(NAMES.map((name) => [name, String(form.get(name) || "")]).filter(([, value]) => value));
  }

  /** Show the filters, ready to type. */
  open() {
    this.#unfold();
    this.form.elements.q.focus();
  }

  /** The order of the sitting before this page was loaded, if it was the same; null for none. */
  kept() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.#key()) || "null");
      return kept && kept.order.length ? kept : null;
    } catch {
      return null;
    }
  }

  /** Keep the order of this sitting. */
  keep(order) {
    this.order = order;
    sessionStorage.setItem(this.#key(), JSON.stringify({ order }));
  }

  /** Keep the place, here and in the address. */
  remember(id) {
    const query = new URLSearchParams({ ...this.values(), item: id });
    history.replaceState(null, "", `?${query}`);
  }

  /** The row that the address asks for. */
  wanted() {
    return Number(new URLSearchParams(location.search).get("item")) || null;
  }

  /** How many rows of each status there are now. */
  count(counts) {
    for (const option of this.form.elements.status.options) {
      const n = counts[option.value];
      option.textContent = n === undefined ? option.value : `${option.value} (${n})`;
    }
    this.counts = counts;
  }

  /** Why there is nothing to show: title, sentence, whether filters hide something, whether to publish. */
  nothing() {
    if (this.#narrow()) return ["Nothing matches", "No photo of this status fits what you chose.", true];
    const status = this.form.elements.status.value;
    if (status !== "Pending") return ["Nothing here", `No photo of this site is ${status.toLowerCase()}. Choose another status above.`];
    return ["Nothing is waiting for you", "Everything that came to the review is decided.", false, true];
  }

  #narrow() {
    return Object.keys(this.values()).some((name) => !["status", "score"].includes(name));
  }

  #none() {
    for (const name of NAMES.filter((one) => one !== "status")) {
      const field = this.form.elements[name];
      if (field.tagName === "SELECT") field.selectedIndex = 0;
      else field.value = "";
    }
    this.form.requestSubmit();
  }

  #unfold() {
    this.form.hidden = false;
    byId("filter-open").setAttribute("aria-expanded", "true");
  }

  #close() {
    this.form.hidden = true;
    byId("filter-open").setAttribute("aria-expanded", "false");
  }

  #tell() {
    const n = Object.keys(this.values()).filter((name) => !["status", "score"].includes(name)).length;
    byId("filter-n").textContent = n ? `(${n})` : "";
  }

  #key() {
    return `penstock:order:${location.pathname}?${new URLSearchParams(this.values())}`;
  }
}

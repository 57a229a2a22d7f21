// Pictures ahead of the eye: fetched and decoded before they are shown, and let go when they are far.

const AHEAD = 6;
const BEHIND = 2;
const KEPT = 16; // decoded pictures that are kept
const STORED = 24; // pictures further ahead that the browser has at hand, should the connection be lost

export class Pictures {
  constructor() {
    this.kept = new Map(); // address → picture
    this.stored = new Set();
  }

  /** The picture at an address, as soon as it can be painted or right away. */
  get(address, alt) {
    const picture = this.#fetch(address);
    picture.alt = alt;
    return picture;
  }

  /** Fetch and decode what comes next. `addresses` are in the order in which they are likely needed. */
  ahead(addresses) {
    for (const address of addresses) if (address) this.#fetch(address);
    for (const [address, picture] of this.kept) {
      if (this.kept.size <= KEPT) break;
      if (!picture.isConnected && !addresses.includes(address)) this.kept.delete(address);
    }
  }

  /** Have these in the browser's own store, one after the other, not decoded. */
  async store(addresses) {
    const wanted = addresses.filter((address) => address && !this.stored.has(address));
    wanted.forEach((address) => this.stored.add(address));
    for (const address of wanted) {
      try {
        await (await fetch(address, { priority: "low" })).blob();
      } catch {
        this.stored.delete(address);
      }
    }
  }

  /** Addresses beyond those that are decoded ahead. */
  static further(book, place, step) {
    return Array.from({ length: STORED }, (_, n) => book.row(book.order[place + (AHEAD + n + 1) * step])?.picture || "");
  }

  /** Addresses around a place of the book, the direction of travel first. */
  static around(book, place, step) {
    const address = (far) => book.row(book.order[place + far * step])?.picture || "";
    const forward = Array.from({ length: AHEAD }, (_, n) => address(n + 1));
    const backward = Array.from({ length: BEHIND }, (_, n) => address(-n - 1));
    return [...forward.slice(0, 3), ...backward, ...forward.slice(3)];
  }

  /** A picture that did not come is asked for again, a little later each time, as long as somebody may want it. */
  #again(address, picture, wait = 1000) {
    this.stored.delete(address);
    setTimeout(() => {
      if (this.kept.get(address) !== picture) return;
      picture.addEventListener("error", () => this.#again(address, picture, Math.min(wait * 2, 15000)), { once: true });
      picture.src = address;
    }, wait);
  }

  #fetch(address) {
    let picture = this.kept.get(address);
    if (picture) {
      this.kept.delete(address); // and set again: the newest comes last
    } else {
      picture = new Image();
      picture.decoding = "sync"; // it is decoded already when it is shown
      picture.draggable = false;
      picture.src = address;
      picture.decode().catch(() => {});
      picture.addEventListener("error", () => this.#again(address, picture), { once: true });
    }
    this.kept.set(address, picture);
    return picture;
  }
}

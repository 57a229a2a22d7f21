// The photo: fitted into its frame, or pixel by pixel at a place that is kept from photo to photo.

import { byId, element } from "./dom.js";

const STEP = 60; // pixels that an arrow key moves a photo at 1:1

export class Stage {
  constructor(pictures) {
    this.pictures = pictures;
    this.frame = byId("frame");
    this.pinnedFrame = byId("pinned");
    this.loupe = false;
    this.at = { x: 0.5, y: 0.5 }; // the point of the photo in the middle, as parts of it
    this.row = null;
    this.pinned = null;
    this.frame.addEventListener("click", (event) => this.#clicked(event));
    for (const frame of [this.frame, this.pinnedFrame]) this.#draggable(frame);
    this.frame.addEventListener("keydown", (event) => this.#moved(event));
    new ResizeObserver(() => this.#place()).observe(this.frame);
  }

  /** Show a row's photo now. */
  show(row) {
    this.row = row;
    this.frame.replaceChildren(this.#picture(row));
    this.frame.dataset.item = row.id;
    if (this.loupe) this.#sharpen();
    else this.#place();
  }

  /** More is known of the row that is shown. */
  know(row) {
    if (!this.row || this.row.id !== row.id) return;
    const other = this.row.picture !== row.picture;
    this.row = row;
    if (other) this.show(row);
    else if (this.loupe) this.#sharpen();
  }

  /** Nothing to show. */
  clear() {
    this.row = null;
    this.frame.replaceChildren();
  }

  /** Between fitted and 1:1. */
  toggle() {
    this.loupe = !this.loupe;
    byId("loupe").setAttribute("aria-pressed", String(this.loupe));
    for (const frame of [this.frame, this.pinnedFrame]) frame.classList.toggle("close", this.loupe);
    if (this.loupe) this.#sharpen();
    else this.#restore();
  }

  /** Keep this photo beside the next ones, or let it go. */
  pin() {
    this.pinned = this.pinned ? null : this.row;
    byId("pin").setAttribute("aria-pressed", String(this.pinned !== null));
    byId("pin").textContent = this.pinned ? "Unpin" : "Pin to compare";
    this.pinnedFrame.hidden = this.pinned === null;
    if (this.pinned) this.pinnedFrame.replaceChildren(this.#picture(this.pinned, true), this.#name(this.pinned));
    else this.pinnedFrame.replaceChildren();
    if (this.loupe) this.#sharpen();
    else this.#place();
  }

  #name(row) {
    return element("p", { class: "pinned-name" }, `Pinned: ${row.title}`);
  }

  #picture(row, apart = false) {
    if (!row.picture) return element("p", { class: "no-picture" }, "No picture yet");
    if (!apart) return this.pictures.get(row.picture, row.alt);
    return element("img", { src: row.picture, alt: row.alt, draggable: false });
  }

  /** At 1:1 the original's own pixels are shown, when a browser can; until they are there, the working copy's. */
  #sharpen() {
    this.#place();
    for (const [frame, row] of [[this.frame, this.row], [this.pinnedFrame, this.pinned]]) {
      const present = frame.querySelector("img");
      if (!row || !row.original || !present || present.dataset.original) continue;
      const full = element("img", { alt: row.alt, draggable: false, src: row.original, dataset: { original: "1" } });
      full.decode().then(() => {
        if (this.loupe && (row === this.row || row === this.pinned) && present.isConnected) present.replaceWith(full);
        this.#place();
      }, () => {});
    }
  }

  #restore() {
    if (this.row) this.frame.replaceChildren(this.#picture(this.row));
    if (this.pinned) this.pinnedFrame.replaceChildren(this.#picture(this.pinned, true), this.#name(this.pinned));
    this.#place();
  }

  /** Put the kept point into the middle of each frame. */
  #place() {
    for (const frame of [this.frame, this.pinnedFrame]) {
      const picture = frame.querySelector("img");
      if (!picture) continue;
      if (!this.loupe) {
        picture.style.translate = "";
        continue;
      }
      const ratio = window.devicePixelRatio || 1;
      const wide = picture.naturalWidth / ratio;
      const high = picture.naturalHeight / ratio;
      picture.style.width = `${wide}px`;
      const x = limited(frame.clientWidth / 2 - this.at.x * wide, frame.clientWidth - wide);
      const y = limited(frame.clientHeight / 2 - this.at.y * high, frame.clientHeight - high);
      picture.style.translate = `${x}px ${y}px`;
    }
    const shown = this.frame.querySelector("img");
    const source = shown && shown.dataset.original ? "original" : "working copy";
    byId("pixels").textContent = this.loupe && shown ? `1:1, pixels of the ${source}` : "";
    if (!this.loupe && shown) shown.style.width = "";
  }

  #clicked(event) {
    const picture = this.frame.querySelector("img");
    if (!picture || this.dragged) return;
    if (!this.loupe) {
      const box = picture.getBoundingClientRect();
      this.at = { x: part(event.clientX - box.left, box.width), y: part(event.clientY - box.top, box.height) };
    }
    this.toggle();
  }

  #moved(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (!this.loupe || !way) return;
    event.preventDefault();
    event.stopPropagation();
    this.#shift(way[0] * STEP, way[1] * STEP);
  }

  #shift(x, y) {
    const picture = this.frame.querySelector("img");
    if (!picture) return;
    this.at = {
      x: part(this.at.x * picture.offsetWidth + x, picture.offsetWidth),
      y: part(this.at.y * picture.offsetHeight + y, picture.offsetHeight),
    };
    this.#place();
  }

  #draggable(frame) {
    frame.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      if (!this.loupe) return;
      frame.setPointerCapture(event.pointerId);
      const follow = (move) => {
        if (Math.abs(move.movementX) + Math.abs(move.movementY) > 0) this.dragged = true;
        this.#shift(-move.movementX, -move.movementY);
      };
      frame.addEventListener("pointermove", follow);
      frame.addEventListener("pointerup", () => frame.removeEventListener("pointermove", follow), { once: true });
      frame.addEventListener("pointercancel", () => frame.removeEventListener("pointermove", follow), { once: true });
    });
  }
}

function part(place, whole) {
  return whole ? Math.min(1, Math.max(0, place / whole)) : 0.5;
}

/** No further than the edge; a photo that is smaller than its frame stands in the middle. */
function limited(place, room) {
  return room >= 0 ? room / 2 : Math.min(0, Math.max(room, place));
}

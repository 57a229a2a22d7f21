// Why a photo is rejected: a digit for the usual reasons, or words of one's own.

import { byId, element } from "./dom.js";

/** The reason, or "" when nothing is to be rejected after all. */
export function reasons(usual, title = "Why is it rejected?") {
  const box = byId("why");
  const own = byId("why-own");
  byId("why-title").textContent = title;
  own.reset();
  return new Promise((done) => {
    let answer = "";
    const close = (reason) => {
      answer = reason;
      box.close();
    };
    byId("reasons").replaceChildren(...usual.map((reason, n) => choice(reason, n + 1, close)));
    const digit = (event) => {
      const reason = usual[Number(event.key) - 1];
      if (!reason || event.target === own.elements.reason) return;
      event.preventDefault();
      close(reason);
    };
    const submitted = (event) => {
      const typed = own.elements.reason.value.trim();
      if (event.submitter?.value !== "own") return;
      event.preventDefault();
      if (typed) close(typed);
      else own.elements.reason.focus();
    };
    box.addEventListener("keydown", digit);
    own.addEventListener("submit", submitted);
    box.addEventListener("close", () => {
      box.removeEventListener("keydown", digit);
      own.removeEventListener("submit", submitted);
      done(answer);
    }, { once: true });
    box.showModal();
  });
}

function choice(reason, n, close) {
  const button = element("button", { type: "button" }, element("kbd", { "aria-hidden": "true" }, String(n)), ` ${reason}`);
  button.addEventListener("click", () => close(reason));
  return button;
}

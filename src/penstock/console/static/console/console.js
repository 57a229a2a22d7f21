// What pages do beyond plain forms: say when nothing was saved, and keep the keyboard where the work is.
"use strict";

const WHY = {
  0: "The program did not answer. Is `penstock up` still running?",
  401: "You are signed out. Open the link that `penstock up` prints.",
  403: "This page was open for too long. Load it again.",
  404: "That item is no longer there. Load the page again.",
  503: "The database is busy. Try again in a moment.",
};

let byKeyboard = false;

document.addEventListener("click", (event) => {
  byKeyboard = event.detail === 0;
}, true);

function tell(status) {
  const box = document.getElementById("trouble");
  document.getElementById("trouble-why").textContent = WHY[status] || "Something unexpected went wrong.";
  box.hidden = false;
}

// A page that only refreshes itself has nothing to save: it stays silent until it is asked for something.
function asksToSave(event) {
  return event.detail.requestConfig.verb === "post";
}

document.addEventListener("htmx:sendError", (event) => { if (asksToSave(event)) tell(0); });
document.addEventListener("htmx:responseError", (event) => {
  if (asksToSave(event)) tell(event.detail.xhr.status);
});
document.addEventListener("htmx:beforeRequest", () => {
  document.getElementById("trouble").hidden = true;
});

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("trouble-close").addEventListener("click", () => {
    document.getElementById("trouble").hidden = true;
  });
});

// A row was replaced, and with it the button that had the focus.
document.addEventListener("htmx:load", (event) => {
  const row = event.detail.elt;
  if (!(row instanceof Element) || !row.matches("article.row")) return;
  const alert = row.querySelector("[role=alert]");
  if (alert) {
    alert.focus();
    return;
  }
  const next = byKeyboard && row.matches(":not(.is-pending)") ? nextToDecide(row) : null;
  if (next) next.focus();
  else row.focus({ preventScroll: true });
});

function nextToDecide(row) {
  for (let one = row.nextElementSibling; one; one = one.nextElementSibling) {
    const button = one.querySelector("button.primary[value=approve]");
    if (button && !button.disabled) return button;
  }
  return null;
}

// Typed and not saved: closing the form forgets it, leaving the page asks first.
function changed(field) {
  return field.matches("select")
    ? [...field.options].some((option) => option.selected !== option.defaultSelected)
    : field.value !== field.defaultValue;
}

document.addEventListener("toggle", (event) => {
  const details = event.target;
  if (details.matches("details.edit") && !details.open) details.querySelector("form").reset();
}, true);

let leaving = false;

// htmx stops the submits that it sends itself.
document.addEventListener("submit", (event) => { leaving = !event.defaultPrevented; });

window.addEventListener("beforeunload", (event) => {
  const typed = document.querySelectorAll("details.edit[open] :is(textarea, select, input:not([type=hidden]))");
  if (!leaving && [...typed].some(changed)) event.preventDefault();
});

// What looks again by itself rests while nobody looks at it, and leaves open what a person has opened in it.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.matches("[data-poll]") && document.hidden) event.preventDefault();
});

let opened = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  opened = [...event.detail.target.querySelectorAll("details[open][id]")].map((one) => one.id);
});

document.addEventListener("htmx:afterSettle", () => {
  for (const id of opened) {
    const one = document.getElementById(id);
    if (one) one.open = true;
  }
  opened = [];
});

// Elements, made without any markup from data: text stays text.

/** An element: `properties` are set on it (dataset and class too), children are nodes or text. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "dataset") Object.assign(made.dataset, value);
    else if (key === "class") made.className = value;
    else if (key.startsWith("aria-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** The element with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A word diff: pieces are [kind, text]. */
export function diff(pieces) {
  const names = { gone: "del", new: "ins" };
  const parts = pieces.map(([kind, text]) => (names[kind] ? element(names[kind], {}, text) : text));
  return element("p", { class: "diff", dir: "auto" }, ...parts);
}

/** A moment as people here read it. */
export function moment(iso) {
  const at = new Date(iso);
  const words = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return element("time", { dateTime: iso }, words);
}

/** Whether keys are text now: in a field that takes letters. */
export function typing(target) {
  return target instanceof Element && target.matches("input:not([type=checkbox]), textarea, select");
}

/** "1 photo", "2 photos". */
export function count(n, word) {
  return `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
}

/** Do it once the page has been painted and has nothing better to do. */
export function later(work) {
  if (window.requestIdleCallback) window.requestIdleCallback(work, { timeout: 400 });
  else setTimeout(work, 60);
}

/** Call `work` at most once per `wait` milliseconds of quiet. */
export function quiet(work, wait) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), wait);
  };
}

/** Ask in a dialog. `build(close)` answers its contents; the answer is what was given to `close`, or null. */
export function ask(title, build) {
  const box = byId("ask");
  return new Promise((done) => {
    let answer = null;
    const close = (value) => {
      answer = value;
      box.close();
    };
    byId("ask-title").textContent = title;
    byId("ask-body").replaceChildren(build(close));
    box.addEventListener("close", () => done(answer), { once: true });
    box.showModal();
  });
}

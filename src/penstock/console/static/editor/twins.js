// Photos that look alike or say the same, side by side with the present one.

import { ask, diff, element } from "./dom.js";
import { badges } from "./panel.js";

/** Show them; answers the row that somebody wants to see, or null. */
export async function twins(api, row) {
  const found = await api.send("twins", { item: row.id });
  return ask("Look-alikes", (close) => {
    const done = element("button", { type: "button", class: "primary", autofocus: true }, "Close");
    done.addEventListener("click", () => close(null));
    if (!found.rows.length) return element("div", {}, element("p", {}, "No other photo looks like this one or says the same."), done);
    const cards = [card(row, ["This photo"], null), ...found.rows.map((one) => card(one, one.why, row, close))];
    const more = found.total > found.rows.length ? element("p", { class: "muted" }, `${found.rows.length} of ${found.total} are shown.`) : null;
    return element("div", {}, element("div", { class: "twins", tabIndex: 0, role: "group", "aria-label": "Side by side" }, ...cards), more, done);
  });
}

function card(row, why, against, close = null) {
  const picture = row.picture ? element("img", { src: row.picture, alt: row.alt }) : element("p", { class: "no-picture" }, "No picture");
  const caption = against ? diff(words(against.fields.Caption, row.fields.Caption)) : element("p", { dir: "auto" }, row.fields.Caption);
  const made = element(
    "article", { class: "twin" }, picture, element("h3", { class: "mono" }, row.title), element("p", { class: "badges" }, ...badges(row)),
    element("p", { class: "muted" }, why.join(" · ")), caption, element("p", { class: "muted", dir: "auto" }, row.fields.alt_text),
  );
  if (close) {
    const go = element("button", { type: "button" }, "Go to it");
    go.addEventListener("click", () => close(row.id));
    made.append(go);
  }
  return made;
}

/** Which words of the second text the first does not have. */
function words(first, second) {
  const known = new Set(first.toLowerCase().match(/[\p{L}\p{N}]+/gu) || []);
  return (second.match(/\S+\s*/g) || []).map((part) => {
    const bare = part.toLowerCase().match(/[\p{L}\p{N}]+/u);
    return [!bare || known.has(bare[0]) ? "same" : "new", part];
  });
}

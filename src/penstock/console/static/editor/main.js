// The editor: which row is shown, and what each key does to it.

import { Actions } from "./actions.js";
import { Api, SignedOut } from "./api.js";
import { Batch, listen } from "./batch.js";
import { Book } from "./book.js";
import { Decisions, fresh } from "./decisions.js";
import { byId, later, quiet } from "./dom.js";
import { Filters } from "./filters.js";
import { Form } from "./form.js";
import { Generate } from "./generate.js";
import { Keys } from "./keys.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { Notices } from "./notices.js";
import { Panel } from "./panel.js";
import { Pictures } from "./pictures.js";
import { Presence } from "./presence.js";
import { reasons } from "./reasons.js";
import { Saving } from "./saving.js";
import { Spelling, dictionary } from "./spelling.js";
import { Stage } from "./stage.js";
import { twins } from "./twins.js";

class Editor {
  constructor(boot, token) {
    this.boot = boot;
    this.id = null;
    this.step = 1; // the direction of travel
    const say = (words) => this.say(words);
    this.api = new Api(boot.base, token);
    this.pictures = new Pictures();
    this.stage = new Stage(this.pictures);
    this.book = new Book(this.api, (ids) => this.#changed(ids));
    this.sitting = fresh();
    this.decisions = new Decisions(this.api, boot.site, this.sitting, (...told) => this.#told(...told), () => this.saving?.show());
    this.saving = new Saving(this.decisions, boot.site, (entry) => this.go(entry.item), () => this.#notices());
    this.form = new Form(boot.site, boot, (id, name, value) => this.#typed(id, name, value));
    this.actions = new Actions(this.book, this.decisions, this.form, boot.site);
    this.panel = new Panel(this.api);
    this.list = new List(this.book, (id) => { this.view("one"); this.go(id); });
    this.spelling = new Spelling(this.api, this.form, boot.words, say);
    this.live = new Live(this.api, this.form);
    this.generate = new Generate(this.api, this.book, this.actions, this.form, (id) => this.#changed([id]), say);
    this.batch = new Batch(this.book, this.actions, boot, say);
    this.notices = new Notices(this.form, this.generate, this.saving);
    this.presence = new Presence(this.api, this.sitting, boot.who, (rows, counts) => this.#heard(rows, counts));
    this.filters = new Filters((fresh) => this.open(fresh));
    this.keys = new Keys((action) => this.run(action));
    this.settled = quiet(() => this.#settle(), 120);
    this.#listen();
  }

  /** Begin: the kept sitting if there is one, else a new one. */
  async start() {
    byId("editor").hidden = false;
    await this.decisions.start();
    await this.#openSitting(false);
    const quality = byId("qc");
    if (quality && localStorage.getItem(`penstock:qc:${this.boot.site}`) !== quality.dataset.run) {
      quality.addEventListener("close", () => localStorage.setItem(`penstock:qc:${this.boot.site}`, quality.dataset.run));
      quality.showModal();
    }
  }

  /** Lay the rows out anew; the person stays at the row, or at the nearest one that is left. */
  async open(fresh = true) {
    await this.#openSitting(fresh);
  }

  async #openSitting(fresh) {
    const kept = fresh ? null : this.filters.kept();
    const near = this.book.order.slice(Math.max(0, this.book.place(this.id)));
    try {
      const values = this.filters.values();
      let found = await this.book.open(values, kept?.order ?? null);
      const over = kept && values.status === "Pending" && !found.rows.some((row) => row.waiting);
      if (over) found = await this.book.open(values); // that sitting is through
      this.presence.since = found.since;
    } catch (error) {
      this.#empty("The rows cannot be read now.", error.message);
      return;
    }
    this.filters.keep(this.book.order);
    this.list.reset();
    if (!byId("many").hidden) this.list.draw();
    const wanted = [this.filters.wanted(), this.id, ...near].find((id) => this.book.place(id) >= 0);
    if (!this.book.order.length) this.#none();
    else this.go(wanted ?? this.book.next(-1, 1, (row) => row.waiting) ?? this.book.order[0]);
  }

  /** Show a row. */
  go(id) {
    const row = this.book.row(id);
    if (!row) return this.#fetchElsewhere(id);
    const place = this.book.place(id);
    if (this.id !== null && place >= 0) this.step = place < this.book.place(this.id) ? -1 : 1;
    this.id = id;
    byId("nothing").hidden = true;
    byId("one").hidden = byId("one").dataset.view !== "shown";
    this.#show(row);
    const more = this.book.total > this.book.order.length ? ` (the first of ${this.book.total.toLocaleString("en")})` : "";
    byId("place").textContent = place < 0 ? "" : `${place + 1} of ${this.book.order.length}${more}`;
    this.book.ahead(place);
    this.pictures.ahead(Pictures.around(this.book, place, this.step));
    this.settled();
    return undefined;
  }

  /** Say something in a line that goes by itself. */
  say(words) {
    if (!words) return;
    byId("said").textContent = words;
    byId("said").classList.add("now");
    clearTimeout(this.quietly);
    this.quietly = setTimeout(() => byId("said").classList.remove("now"), 4000);
  }

  /** What a key or a button does. */
  async run(action) {
    const row = this.id === null ? null : this.book.row(this.id);
    const free = { undo: () => this.#undo(), keys: () => this.keys.show(), search: () => this.filters.open(), grid: () => this.#toggleGrid() };
    if (free[action]) return free[action]();
    if (!row) return undefined;
    return this.#runOnRow(action, row);
  }

  async #runOnRow(action, row) {
    if (byId("one").hidden && action !== "pick") return undefined;
    const doing = {
      approve: () => this.#decide(row, () => this.actions.approve(row), "approved"),
      approve_typed: () => this.#decide(row, () => this.actions.approve(row), "approved"),
      hold: () => this.#decide(row, () => this.actions.hold(row), row.hold ? "taken off hold" : "put on hold"),
      reject: () => this.#reject(row),
      pending: () => this.#stay(this.actions.pending(row), `${row.title} is pending again.`),
      save: () => this.#stay(this.actions.save(row), "Saved."),
      drop: () => this.form.forget(row.id),
      next: () => this.#move(1),
      back: () => this.#move(-1),
      flagged: () => this.#flagged(),
      edit: () => byId("f-Caption").focus(),
      generate: () => this.generate.wish([row.id]),
      loupe: () => this.stage.toggle(),
      pin: () => this.stage.pin(),
      twins: () => this.#twins(row),
      diff: () => toggle("more-diff"),
      facts: () => toggle("more-facts"),
      pick: () => this.list.pick(row.id, !this.list.picked.has(row.id)),
    };
    return doing[action]?.();
  }

  // -- decisions --------------------------------------------------------------------------------------------

  #decide(row, act, word) {
    if (!row.fields) return this.say("This photo is still being read.");
    if (this.form.clashes(row).length) return this.say("It was changed elsewhere while you typed: choose which text stays.");
    const wrong = act();
    if (wrong) return this.say(wrong);
    this.say(`${row.title} ${word}.`);
    const following = this.book.next(this.book.place(row.id), 1, (one) => one.waiting && !(one.hold && one.id === row.id), true);
    if (following !== null && following !== row.id) return this.go(following);
    return this.#changed([row.id]);
  }

  async #reject(row) {
    if (!row.waiting) return this.say(this.actions.reject(row, ""));
    const reason = await reasons(this.boot.reasons);
    return reason ? this.#decide(row, () => this.actions.reject(row, reason), "rejected") : undefined;
  }

  #stay(wrong, words) {
    this.say(wrong || words);
    this.#changed([this.id]);
  }

  #undo() {
    const undone = this.actions.undo();
    if (!undone) return this.say("There is nothing to undo.");
    this.say(`Undone: ${undone.words}.`);
    return this.go(undone.item);
  }

  /** What became of a decision. */
  #told(result, entry) {
    if (result.row) this.book.learn(result.row);
    if (result.ok) return;
    this.actions.fell(entry);
    this.generate.refused(entry.item, result.sentence);
    this.saving.failed(result, entry);
    if (entry.verb !== "generated" && Object.keys(entry.fields).length) this.form.keep(entry.item, entry.fields, entry.base || {});
    if (entry.item === this.id && result.field) this.form.say(result.field, result.sentence);
    this.say(`Not done: ${entry.title}. ${result.sentence}`);
  }

  // -- moving -----------------------------------------------------------------------------------------------

  #move(step) {
    const id = this.book.next(this.book.place(this.id), step);
    if (id === null) this.say(step > 0 ? "This is the last photo." : "This is the first photo.");
    else this.go(id);
  }

  #flagged() {
    const id = this.book.next(this.book.place(this.id), 1, (row) => row.waiting && row.flags.length > 0, true);
    if (id === null) this.say("No other photo is flagged.");
    else this.go(id);
  }

  async #twins(row) {
    try {
      const chosen = await twins(this.api, await this.book.whole(row.id));
      if (chosen) this.go(chosen);
    } catch (error) {
      this.say(error.message);
    }
  }

  async #fetchElsewhere(id) {
    try {
      if (await this.book.whole(id)) this.go(id);
      else this.say("That photo is no longer there.");
    } catch (error) {
      this.say(error.message);
    }
  }

  // -- showing ----------------------------------------------------------------------------------------------

  #show(row) {
    this.stage.show(row);
    this.panel.show(row);
    byId("panel").classList.toggle("loading", !row.fields);
    if (row.fields) {
      this.form.show(row);
      this.generate.meet(row);
    }
    this.#buttons(row);
    this.#notices();
  }

  #buttons(row) {
    const typed = this.form.dirty(row);
    const label = (id, words) => { byId(id).firstChild.textContent = words; };
    byId("approve").disabled = !row.waiting && !(typed && row.editable);
    label("approve", typed ? "Save and approve" : "Approve");
    byId("reject").disabled = byId("hold").disabled = !row.waiting;
    label("hold", row.hold ? "Take off hold" : "Hold");
    byId("generate").disabled = !row.editable;
    byId("pending").hidden = !row.undoable;
    byId("save").hidden = byId("drop").hidden = !typed;
    byId("undo").disabled = !this.actions.past.length;
  }

  #notices() {
    const row = this.id === null ? null : this.book.row(this.id);
    if (row) byId("notices").replaceChildren(...this.notices.of(row));
  }

  /** What can wait until somebody stays at a row. */
  #settle() {
    const id = this.id;
    later(() => {
      if (id !== this.id || id === null) return;
      const row = this.book.row(id);
      this.pictures.store(Pictures.further(this.book, this.book.place(id), this.step));
      this.panel.finish(row);
      this.spelling.look();
      this.filters.remember(id);
      this.presence.at(id);
      this.list.mark(id);
    });
  }

  #changed(ids) {
    later(() => this.list.refresh(ids));
    if (!ids.includes(this.id)) return;
    const row = this.book.row(this.id);
    if (!row) return;
    this.stage.know(row);
    const rest = document.activeElement?.closest("#fields") ? this.form.row?.fields : null;
    this.panel.show(row);
    byId("panel").classList.toggle("loading", !row.fields);
    if (row.fields && (!rest || this.form.row.id !== row.id || !same(rest, row.fields))) this.form.show(row);
    else if (row.fields) this.form.row = row;
    if (row.fields) this.generate.meet(row);
    this.#buttons(row);
    this.#notices();
    this.settled();
  }

  #typed(id, name, value) {
    if (id !== this.id) return;
    const row = this.book.row(id);
    if (!row?.fields) return;
    this.#buttons(row);
    this.#notices();
    this.spelling.look();
    if (name) this.live.look(row, name, value);
  }

  #heard(rows, counts) {
    for (const row of rows) {
      const known = this.book.row(row.id);
      if (!known || known.revision === row.revision || this.decisions.has(row.id)) continue;
      this.book.learn(row);
      if (row.id === this.id) this.book.whole(row.id).catch(() => {});
    }
    this.filters.count(counts);
  }

  #none() {
    this.#empty(...this.filters.nothing());
    if (this.filters.values().status !== "Pending") this.filters.open();
  }

  #empty(title, why, all = false, publish = false) {
    this.id = null;
    this.stage.clear();
    byId("one").hidden = true;
    byId("nothing").hidden = false;
    byId("nothing-title").textContent = title;
    byId("nothing-why").textContent = why;
    byId("nothing-all").hidden = !all;
    byId("nothing-go").hidden = !publish;
    byId("place").textContent = "";
  }

  /** One photo, the grid, or the list. */
  view(name) {
    const one = name === "one";
    byId("one").dataset.view = one ? "shown" : "";
    byId("one").hidden = !one || this.id === null;
    byId("many").hidden = one;
    byId("many").classList.toggle("as-list", name === "list");
    for (const button of document.querySelectorAll("button[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === name));
    if (one) return;
    this.list.draw();
    this.list.mark(this.id);
  }

  #toggleGrid() {
    const one = byId("many").hidden;
    this.view(one ? "grid" : "one");
    if (one) setTimeout(() => this.list.focus(this.id), 0);
  }

  #batched(what) {
    const ids = this.book.order.filter((id) => this.list.picked.has(id));
    const doing = {
      approve: () => this.batch.approve(ids),
      reject: () => this.batch.reject(ids, (title) => reasons(this.boot.reasons, title)),
      edit: () => this.batch.edit(ids),
      replace: () => this.batch.replace(ids),
      generate: () => this.generate.wish(ids),
      fresh: () => this.open(true),
    };
    doing[what]().catch((error) => this.say(error.message));
  }

  #listen() {
    byId("one").dataset.view = "shown";
    document.addEventListener("click", (event) => {
      const button = event.target.closest("#editor [data-action]");
      if (button) this.run(button.dataset.action);
      const view = event.target.closest("button[data-view]");
      if (view) this.view(view.dataset.view);
    });
    byId("fields").addEventListener("submit", (event) => event.preventDefault());
    byId("words").addEventListener("click", () => dictionary(this.spelling));
    listen((what) => this.#batched(what));
    window.addEventListener("beforeunload", (event) => {
      if (this.decisions.waiting.length) event.preventDefault();
    });
  }
}

function toggle(id) {
  const details = byId(id);
  details.open = !details.open;
  if (details.open) details.scrollIntoView({ block: "nearest" });
}

function same(one, other) {
  return Object.keys(other).every((name) => one[name] === other[name]);
}

const boot = JSON.parse(byId("boot").textContent);
const editor = new Editor(boot, document.querySelector("#token input").value);
editor.start().catch((error) => {
  byId("said").textContent = error instanceof SignedOut ? error.message : `The editor cannot begin: ${error.message}`;
  byId("said").classList.add("now");
});

"""The gate, scriptable: list, show, edit, approve, reject; and the rows as a CSV file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.errors import FAILED
from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Session
from penstock.cli.show import Show, count

if TYPE_CHECKING:
    from penstock.accounts.models import Site
    from penstock.review.gate import Gate

ITEMS = click.argument("items", nargs=-1, type=click.IntRange(min=1), metavar="ITEM …")
FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.csv")


@click.group(cls=Family)
def review() -> None:
    """List, show, edit, approve and reject what waits for you. Only what you approve can be published."""


@review.command(name="list", cls=Leaf)
@click.argument("site")
@click.option("--status", default="Pending", show_default=True, help="Pending, Approved, Error, … or all.")
@click.option("--limit", type=click.IntRange(min=1), default=500, show_default=True, help="At most so many.")
@click.pass_obj
def list_items(session: Session, site: str, status: str, limit: int) -> int:
    """What waits for review in SITE, or what has another status."""
    owner = _site(site)
    gate = gate_of_site(owner)
    found = _with_status(gate, owner, status)
    rows = list(found.order_by("ordinal", "id").values()[:limit])
    session.show.document({"items": [_brief(gate, row) for row in rows]})
    first = gate.fields[0]
    table = [[*_line(gate, row), row.get(first) or row["error"]] for row in rows]
    session.show.table(("id", "status", "title", "flags", first), table, wrap=("title", "flags", first))
    total = found.count()
    if not total:
        session.show.say(f"Nothing in {site} is {status}." if status != "all" else f"{site} has no items yet.")
    elif total > limit:
        session.show.say(f"{limit} of {total} shown; --limit shows more.")
    if rows and status.casefold() == "pending":
        session.show.say(f"Approve: penstock review approve {site} ID …; see one: penstock review show {site} ID")
    return 0


@review.command(cls=Leaf)
@click.argument("site")
@click.argument("item", type=click.IntRange(min=1))
@click.pass_obj
def show(session: Session, site: str, item: int) -> int:
    """Show ITEM of SITE. Its fields, what the rules changed, and who decided what."""
    from penstock.review.models import Decision

    gate = gate_of_site(_site(site))
    row = _row(gate, site, item)
    past = Decision.objects.filter(table=gate.table, item=item).order_by("id")
    decisions = [{"verdict": d.verdict, "who": d.who, "at": d.at.isoformat(), "reason": d.reason} for d in past]
    fields = {name: row[name] for name in gate.seen(row)["fields"]} if gate.seen(row).get("fields") else {}
    changes = row.get("changes") or []
    session.show.document({**_brief(gate, row), "fields": fields, "changes": changes, "decisions": decisions})
    session.show.say(f"{gate.title(row)} (id {item}) is {word(row)}")
    if row["error"]:
        session.show.say(f"Why: {row['error']}")
    session.show.table(("field", "value"), [(k, v) for k, v in fields.items() if v not in ("", None)], wrap=("value",))
    _changes(session.show, changes)
    told = [(d["at"][:16], d["verdict"], d["who"], d["reason"]) for d in decisions]
    session.show.table(("when", "decision", "by", "reason"), told, wrap=("reason",))
    return 0


def _changes(show: Show, changes: Sequence[Mapping[str, Any]]) -> None:
    if changes:
        show.say("Changed by the rules:")
        columns = ("rule", "field", "before", "after", "reason")
        show.table(columns, [[one.get(name, "") for name in columns] for one in changes], wrap=("before",))


@review.command(cls=Leaf)
@click.argument("site")
@click.argument("item", type=click.IntRange(min=1))
@click.option("--caption", metavar="TEXT")
@click.option("--alt", metavar="TEXT", help="The text for people who cannot see the picture.")
@click.option("--keywords", metavar="WORDS", help="Separated by commas.")
@click.option("--filename", metavar="NAME")
@click.option("--subject", metavar="TEXT")
@click.option("--title", metavar="TEXT", help="Of an article; so are the next three.")
@click.option("--meta", metavar="TEXT", help="Its description for search engines.")
@click.option("--excerpt", metavar="TEXT")
@click.option("--html", "html", type=click.File(encoding="utf-8"), metavar="FILE", help="Its body, from a file.")
@click.option("--hold/--no-hold", default=None, help="Keep it from being approved, or let it go.")
@click.pass_obj
def edit(session: Session, site: str, item: int, hold: bool | None, html: Any, **texts: str | None) -> int:
    """Change ITEM of SITE. An approval is void by it: the item waits for review again."""
    from penstock.engine.errors import UsageError
    from penstock.review import gate as verbs

    home, gate = session.open(), gate_of_site(_site(site))
    before = _row(gate, site, item)
    texts["html"] = html.read() if html is not None else None
    changed: dict[str, Any] = {_column(gate, name): text for name, text in texts.items() if text is not None}
    changed |= {} if hold is None else {"hold": hold}
    if not changed:
        raise UsageError("nothing to change; `penstock review edit --help` lists what can be given")
    row = verbs.edit(gate.table, item, changed, who=home.who, at=home.now())
    session.show.document({**_brief(gate, row), "changed": sorted(changed)})
    void = "; its approval is void" if before["state"] == "approved" and row["state"] == "waiting" else ""
    session.show.say(f"{gate.title(row)} (id {item}): {', '.join(sorted(changed))} changed{void}.")
    return 0


COLUMNS = {
    "caption": "Caption",
    "alt": "alt_text",
    "keywords": "Keywords",
    "filename": "File_Name",
    "subject": "Subject",
    "meta": "meta_description",
}


def _column(gate: Gate, name: str) -> str:
    """The field that an option changes; the gate refuses one that its rows do not have."""
    return name if name in gate.fields else COLUMNS.get(name, name)


@review.command(cls=Leaf)
@click.argument("site")
@ITEMS
@click.option("--all", "everything", is_flag=True, help="Approve all that waits.")
@click.option("--count", "expected", type=click.IntRange(min=0), metavar="N", help="With --all: how many that is.")
@click.pass_obj
def approve(session: Session, site: str, items: tuple[int, ...], everything: bool, expected: int | None) -> int:
    """Approve ITEMs of SITE, exactly as they stand now."""
    from penstock.engine.errors import UsageError
    from penstock.review import gate as verbs

    home, owner = session.open(), _site(site)
    gate = gate_of_site(owner)
    if everything == bool(items):
        raise UsageError("name the items to approve, or give --all (not both)")
    chosen = _all_waiting(session.show, gate, owner, expected) if everything else list(items)

    def one(item: int) -> Any:
        return verbs.approve(gate.table, item, who=home.who, at=home.now())

    return _decide(session.show, gate, site, chosen, one, "approved", f"Publish: penstock publish {site}")


def _all_waiting(show: Show, gate: Gate, owner: Site, expected: int | None) -> list[int]:
    """All that waits, once somebody has said how many that is. Raises Refused when the number does not match."""
    from penstock.engine.errors import Refused

    waiting = list(_with_status(gate, owner, "Pending").order_by("ordinal", "id").values_list("id", flat=True))
    if expected is None:
        question = f"{count(len(waiting), 'item')} wait in {owner.name}. Type the number to approve them all"
        answer = show.ask(question, "--count N")
        expected = int(answer) if answer.strip().isdecimal() else -1
    if expected != len(waiting):
        raise Refused(f"{len(waiting)} wait for review, not the number given; nothing was approved")
    return waiting


@review.command(cls=Leaf)
@click.argument("site")
@ITEMS
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stays with the item.")
@click.pass_obj
def reject(session: Session, site: str, items: tuple[int, ...], reason: str) -> int:
    """Reject ITEMs of SITE. Their file names become free; the rows stay."""
    from penstock.engine.errors import UsageError
    from penstock.review import gate as verbs

    home, gate = session.open(), gate_of_site(_site(site))
    if not items:
        raise UsageError("name the items to reject")

    def one(item: int) -> Any:
        return verbs.reject(gate.table, item, who=home.who, at=home.now(), reason=reason)

    return _decide(session.show, gate, site, list(items), one, "rejected", "")


@review.command(cls=Leaf)
@click.argument("site")
@ITEMS
@click.pass_obj
def reopen(session: Session, site: str, items: tuple[int, ...]) -> int:
    """Take decisions back: the rows wait again."""
    from penstock.engine.errors import UsageError
    from penstock.review import gate as verbs

    home, gate = session.open(), gate_of_site(_site(site))
    if not items:
        raise UsageError("name the items to reopen")

    def one(item: int) -> Any:
        return verbs.send_back(gate.table, item, who=home.who, at=home.now())

    return _decide(session.show, gate, site, list(items), one, "reopened", "")


def _decide(
    show: Show, gate: Gate, site: str, items: list[int], one: Callable[[int], Any], verdict: str, then: str
) -> int:
    """Decide each; what is refused is told and the others go on. A single refusal is the command's own."""
    from penstock.engine.errors import PenstockError

    done, refused = [], []
    for item in items:
        try:
            _row(gate, site, item)
            one(item)
            done.append(item)
        except PenstockError as error:
            if len(items) == 1:
                raise
            refused.append({"id": item, "error": str(error)})
    show.document({verdict: done, "refused": refused})
    show.say(f"{count(len(done), 'item')} {verdict}.")
    show.table(("id", "not " + verdict + ", because"), [(r["id"], r["error"]) for r in refused])
    if done and then:
        show.say(then)
    return FAILED if refused else 0


@review.command(cls=Leaf)
@click.argument("site")
@FILE
@click.pass_obj
def export(session: Session, site: str, file: Path) -> int:
    """Write the rows of SITE to a CSV file, for a spreadsheet."""
    from penstock.pipelines.photos import csvfile

    written = csvfile.export(_site(site), file)
    session.show.document({"file": str(file), "rows": written})
    session.show.say(f"{file}: {written} rows. Bring changes back: penstock review import {site} {file}")
    return 0


@review.command(name="import", cls=Leaf)
@click.argument("site")
@FILE
@click.pass_obj
def import_(session: Session, site: str, file: Path) -> int:
    """Take edited texts and decisions back from the CSV file."""
    from penstock.pipelines.photos import csvfile

    home = session.open()
    summary = csvfile.import_(_site(site), file, home.who)
    session.show.document(summary)
    refused = summary["refused"]
    session.show.say(", ".join(f"{n} {word}" for word, n in summary.items() if isinstance(n, int)) + ".")
    rows = [(one["line"], one["id"], one["error"]) for one in refused]
    session.show.table(("line", "id", "refused, because"), rows, wrap=("refused, because",))
    return FAILED if refused else 0


def gate_of_site(owner: Site) -> Gate:
    """The gate that the site's pipeline ends at."""
    from penstock.engine import PIPELINES
    from penstock.ledger.models import Run
    from penstock.review.gate import gate_of

    pipeline = PIPELINES[owner.pipeline](Run(site=owner, plan=dict(owner.settings), pipeline=owner.pipeline))
    return gate_of(next(stage.takes for stage in pipeline.stages if stage.gate))


def word(row: Mapping[str, Any]) -> str:
    """The status of a row as people call it."""
    return str(row.get("Review_Status") or row.get("status") or row["state"])


def _site(name: str) -> Site:
    from penstock.accounts.models import site_named

    return site_named(name)


def _with_status(gate: Gate, owner: Site, status: str) -> Any:
    """Rows of the site with this status. Raises UsageError naming those that there are."""
    from penstock.engine.errors import UsageError
    from penstock.ledger import rows

    model = rows.model_of(gate.table)
    found = model.objects.filter(site=owner)
    if status.casefold() == "all":
        return found
    if status.capitalize() not in STATES:
        raise UsageError(f"--status: there is no {status!r}; give {', '.join(STATES)} or all")
    return found.filter(state__in=STATES[status.capitalize()])


STATES = {  # what people say → the states of rows
    "Queued": ("ready", "leased"),
    "Pending": ("waiting",),
    "Approved": ("approved",),
    "Rejected": ("rejected",),
    "Published": ("done",),
    "Error": ("failed", "quarantined"),
}


def _row(gate: Gate, site: str, item: int) -> Mapping[str, Any]:
    from penstock.accounts.models import site_named
    from penstock.engine.errors import NotFound
    from penstock.ledger import rows

    found = rows.read(gate.table, [item])
    if not found or found[0]["site_id"] != site_named(site).pk:
        raise NotFound(f"site {site} has no item {item}; `penstock review list {site} --status all` lists them")
    return found[0]


def _brief(gate: Gate, row: Mapping[str, Any]) -> dict[str, Any]:
    flags = list(row.get("flags") or [])
    return {"id": row["id"], "status": word(row), "title": gate.title(row), "flags": flags}


def _line(gate: Gate, row: Mapping[str, Any]) -> list[Any]:
    brief = _brief(gate, row)
    held = ["hold"] if row.get("hold") else []
    return [brief["id"], brief["status"], brief["title"], ", ".join(map(str, held + brief["flags"]))]

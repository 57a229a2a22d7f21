"""Publishing: send what is approved, take it back, compare with the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from penstock.cli.errors import FAILED
from penstock.cli.follow import exit_code, follow
from penstock.cli.lazy import Leaf
from penstock.cli.session import Home, Session
from penstock.cli.show import Show, count

if TYPE_CHECKING:
    from penstock.accounts.models import Site
    from penstock.publish.outbox import Preview

TOLD = 50  # rows that a person is shown
VIEWS = ("new", "changed", "unchanged", "conflicts", "blocked")


@click.command(cls=Leaf)
@click.argument("site")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; send nothing.")
@click.option("--target", metavar="T", help="Only this target; what is published elsewhere goes there too.")
@click.pass_obj
def publish(session: Session, site: str, dry_run: bool, target: str | None) -> int:
    """Send what is approved in SITE to its targets. What stands there already is left alone."""
    from penstock.publish import outbox

    home, owner = session.open(), _site(site)
    if dry_run:
        return _preview(session.show, outbox.plan(owner, target), site)
    run = outbox.start(owner, home.clock, home.ids, home.who, target)
    session.show.note(f"Publishing {site}, run {run.id}. Ctrl-C stops it safely.")
    finished = follow(home, run.id, session.show)
    return _ended(home, run.id, session.show, site, stopped=not finished)


def _preview(show: Show, preview: Preview, site: str) -> int:
    found = {view: getattr(preview, view) for view in VIEWS}
    rows = [
        {"id": one.item, "status": view, "target": one.target, "error": one.detail if view in VIEWS[3:] else ""}
        for view, planned in found.items()
        for one in planned
    ]
    send = len(found["new"]) + len(found["changed"])
    counts = {"failed": len(found["blocked"]), "unchanged": len(found["unchanged"])}
    show.document({
        "dry_run": True, "published": 0, "would_publish": send, **counts, "conflicts": len(found["conflicts"]),
        "rows": rows,
    })  # fmt: skip
    table = [(view, p.item, p.title, p.target, p.detail) for view, ps in found.items() for p in ps]
    show.table(("what", "id", "title", "target", "where or why"), table[:TOLD], wrap=("title", "where or why"))
    show.say(", ".join(f"{len(ps)} {view}" for view, ps in found.items()) + ". Nothing was sent.")
    if send:
        show.say(f"Send: penstock publish {site}")
    elif not any(found.values()):
        show.say(f"Nothing is approved. Approve first: penstock review list {site}")
    return 0


def _ended(home: Home, run_id: str, show: Show, site: str, *, stopped: bool) -> int:
    """What became of each item."""
    from penstock.ledger import control
    from penstock.publish import outbox, targets
    from penstock.records.overview import run_view

    run = control.find(run_id)
    result = outbox.result(run)
    show.document(result)
    bad = [row for row in result["rows"] if row["error"]]
    show.table(("id", "status", "why"), [(r["id"], r["status"], r["error"]) for r in bad[:TOLD]], wrap=("why",))
    show.say(
        f"{result['published']} published, {result['unchanged']} unchanged, {result['failed']} failed, "
        f"{count(result['conflicts'], 'conflict')}."
    )
    if stopped or run.open:
        reason = f" ({run.error_message})" if run.error_message else ""
        show.say(f"It is not finished{reason}. Go on: penstock resume {run_id}")
        return exit_code(run_view(run))
    for target in targets.listed(run.site) if result["published"] else ():
        show.say(f"  {target.name}: {target.url}")
    for line in _then(result, site, run_id):
        show.say(line)
    return FAILED if result["failed"] or result["conflicts"] else exit_code(run_view(run))


def _then(result: dict[str, Any], site: str, run_id: str) -> list[str]:
    lines = []
    if not result["rows"]:
        lines.append(f"Nothing was approved. Approve first: penstock review list {site}")
    if result["conflicts"]:
        lines.append("A conflict: the target holds something that we did not put there. Look at it, then decide.")
    if result["failed"]:
        lines.append(f"Mend the cause, then again: penstock publish {site}")
    if result["published"]:
        lines.append(f"Check it: penstock verify {run_id}")
    return lines


@click.command(cls=Leaf)
@click.argument("site")
@click.argument("items", nargs=-1, required=True, type=click.IntRange(min=1), metavar="ITEM …")
@click.pass_obj
def unpublish(session: Session, site: str, items: tuple[int, ...]) -> int:
    """Take published ITEMs of SITE back from its targets; they wait for review again."""
    from penstock.publish import undo

    home, show = session.open(), session.show
    done = undo.unpublish(_site(site), list(items), home.who, home.clock)
    show.document(done)
    bad = [row for row in done["rows"] if row["error"]]
    show.table(("id", "status", "why"), [(r["id"], r["status"], r["error"]) for r in bad], wrap=("why",))
    conflicts = count(done["conflicts"], "conflict")
    show.say(f"{done['unpublished']} unpublished, {done['failed']} failed, {conflicts}.")
    if done["unpublished"]:
        show.say(f"They wait for review again: penstock review list {site}")
    return FAILED if bad else 0


@click.command(cls=Leaf)
@click.argument("site")
@click.option("--mirror", is_flag=True, help="First write the local mirror anew from what was published.")
@click.pass_obj
def reconcile(session: Session, site: str, mirror: bool) -> int:
    """Compare what was published with what stands on the targets of SITE now. Only --mirror changes anything."""
    from dataclasses import asdict

    from penstock.publish import drift, mirroring

    if mirror:
        home = session.open()
        n = mirroring.renew(_site(site), home.who, home.clock)
        session.show.note(f"{count(n, 'row')} of the mirror written anew.")
    found = [asdict(one) for one in drift.reconcile(_site(site))]
    session.show.document({"site": site, "ok": not found, "drift": found})
    columns = ("target", "item", "what", "detail")
    session.show.table(columns, [[one[name] for name in columns] for one in found], wrap=("detail",))
    session.show.say(f"{count(len(found), 'difference')}." if found else "The targets hold what was published.")
    for what in dict.fromkeys(one["what"] for one in found):
        session.show.say(f"  {what}: {MENDS[what].format(site=site)}")
    return FAILED if found else 0


MENDS = {
    "missing": "take it back, then approve and publish it again: penstock unpublish {site} ITEM",
    "changed": "somebody else changed it; agree with them, then penstock unpublish {site} ITEM or leave it",
    "foreign": "it was not published from here; nothing of ours has to be done",
    "mirror": "write the mirror anew: penstock reconcile {site} --mirror",
    "unsettled": "let it be finished: penstock publish {site}",
}


def _site(name: str) -> Site:
    from penstock.accounts.models import site_named

    return site_named(name)

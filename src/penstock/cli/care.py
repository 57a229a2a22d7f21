"""Care: preflight, validation after a run, incident reports, the invariants over everything stored."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.errors import FAILED
from penstock.cli.lazy import Leaf
from penstock.cli.session import Session
from penstock.cli.show import MARKS, Show, count, on_terminal

if TYPE_CHECKING:
    from penstock.accounts.models import Site
    from penstock.records.check import Check


@click.command(cls=Leaf)
@click.argument("site")
@click.pass_obj
def check(session: Session, site: str) -> int:
    """Is everything ready for a run of SITE? One line per point: ok, warn or fail, with the mend."""
    from penstock.accounts.models import site_named
    from penstock.records.check import check as points

    found = points(site_named(site))
    code = _points(session.show, found)
    session.show.say(f"Not ready: mend what failed, then penstock check {site}" if code else "Ready.")
    return code


@click.command(cls=Leaf)
@click.argument("run")
@click.pass_obj
def verify(session: Session, run: str) -> int:
    """Check RUN after it ended: log, report, rows at the targets, public addresses, leftovers."""
    from penstock.ledger import control
    from penstock.oracle import examine
    from penstock.records.check import fail, ok
    from penstock.records.verify import verify as points

    one = control.find(run)
    found = points(one)
    wrong = examine(one.site, files=False)
    if wrong:
        text = f"{count(len(wrong), 'contradiction')}; the first: {wrong[0].subject}: {wrong[0].detail}"
        found.append(fail("stored data", text, f"penstock doctor {one.site.name}"))
    else:
        found.append(ok("stored data", "queue, decisions and deliveries say the same"))
    code = _points(session.show, found)
    session.show.say("Something needs a look before the next run." if code else "The run is in order.")
    return code


def _points(show: Show, found: Sequence[Check]) -> int:
    """Show points, one line each; answer the exit code."""
    good = not any(point.state == "fail" for point in found)
    show.document({"ok": good, "checks": [point.to_json() for point in found]})
    colour = on_terminal(sys.stdout)
    width = max((len(point.name) for point in found), default=0)
    for point in found:
        mark, paint = MARKS[point.state]
        head = f"{mark} {point.state:<4}" if colour else f"{point.state:<4}"
        line = f"{point.name:<{width}}  {point.detail}"
        show.say(f"{click.style(head, fg=paint) if colour else head}  {line}")
        if point.mend and point.state != "ok":
            show.say(f"{'':<{width + len(head) + 4}}→ {point.mend}")
    return 0 if good else FAILED


@click.command(cls=Leaf)
@click.argument("run")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.pass_obj
def incident(session: Session, run: str, output: Path | None) -> int:
    """Pack a zip for a problem report about RUN: first error, versions, logs, queue; no secrets."""
    from penstock.ledger import control
    from penstock.records.incident import first_error
    from penstock.records.incident import incident as pack

    one = control.find(run)
    file = pack(one, output or Path(f"incident-{run}.zip"))
    first = first_error(one)
    session.show.document({"file": str(file), "first_error": first["line"]})
    session.show.say(f"{file}: {file.stat().st_size // 1024 + 1} KiB. Look through it before you send it.")
    session.show.say(f"First error: {first['line']}" if first["line"] else "The run has no error line.")
    return 0


@click.command(cls=Leaf)
@click.argument("site", required=False)
@click.option("--files", "hashed", is_flag=True, help="Hash every stored file too; that takes its time.")
@click.pass_obj
def doctor(session: Session, site: str | None, hashed: bool) -> int:
    """Check everything stored (of SITE, or of the home) for contradictions. Changes nothing."""
    from penstock.accounts.models import Site, site_named
    from penstock.oracle import examine

    home = session.open()
    told = _progress if on_terminal(sys.stderr) and not session.quiet else None
    found = examine(site_named(site) if site else None, files=hashed, told=told)
    shown = [{"invariant": v.invariant, "subject": v.subject, "detail": v.detail, "mend": v.mend} for v in found]
    facts = _facts(home.config, [site_named(site)] if site else Site.objects.order_by("name"))
    session.show.document({"ok": not shown, "violations": shown, "facts": facts})
    for name, value in facts.items():
        session.show.say(f"{name:<14} {value}")
    columns = ("invariant", "subject", "detail", "mend")
    session.show.table(columns, [[one[name] for name in columns] for one in shown], wrap=("detail", "mend"))
    if shown:
        session.show.say(f"{count(len(shown), 'contradiction')}. First a copy: penstock db backup FILE")
        return FAILED
    session.show.say("No contradiction found.")
    return 0


def _progress(family: str) -> None:
    """What is looked at now, in one line that goes when all was looked at."""
    click.echo(f"\r\033[K{'looking at ' + family + ' …' if family else ''}", err=True, nl=False)


def _facts(config: Any, sites: Iterable[Site]) -> dict[str, Any]:
    """Sizes, the database's ways, and what the targets hold otherwise than we think."""
    import sqlite3

    from django.db import connection

    from penstock.ledger import TABLES

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        journal = cursor.fetchone()[0]
    rows = {table: model.objects.count() for table, model in TABLES.items()}
    return {
        "database": str(config.database),
        "size": f"{config.database.stat().st_size / 2**20:.1f} MiB",
        "sqlite": f"{sqlite3.sqlite_version}, journal {journal}",
        "rows": ", ".join(f"{n:,} {table}" for table, n in rows.items()),
        "targets": "; ".join(filter(None, map(_drift, sites))) or "as published, or none",
        "free disk": f"{shutil.disk_usage(config.home).free / 2**30:.1f} GiB",
    }


def _drift(site: Site) -> str:
    """How many differences the targets of a site show; "" for none."""
    from penstock.engine.errors import PenstockError
    from penstock.publish.drift import reconcile

    try:
        n = len(reconcile(site))
    except PenstockError as error:  # a target that is down is no contradiction of ours
        return f"{site.name}: {error}"
    return f"{site.name}: {count(n, 'difference')} (penstock reconcile {site.name})" if n else ""

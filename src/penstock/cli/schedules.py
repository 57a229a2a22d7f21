"""When a site's runs start by themselves."""

from __future__ import annotations

from typing import Any

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.people import at_terminal
from penstock.cli.session import Session

RECENT = 10


@click.group(cls=Family)
def schedule() -> None:
    """When a site's runs start by themselves. `penstock up` looks every minute."""


@schedule.command(cls=Leaf)
@click.argument("site")
@click.pass_obj
def show(session: Session, site: str) -> int:
    """The schedule of SITE, and what became of its last slots."""
    from penstock.accounts.models import site_named
    from penstock.ledger import schedule as verbs
    from penstock.ledger.models import Slot

    owner = site_named(site)
    past = [_slot(one) for one in Slot.objects.filter(site=owner).order_by("-due_at")[:RECENT]]
    facts = _facts(verbs.of(owner), owner)
    session.show.document({"site": site, **facts, "slots": past})
    for key, value in facts.items():
        session.show.say(f"{key:<14} {'' if value is None else value}")
    columns = ("due_at", "outcome", "run_id", "reason")
    session.show.table(columns, [[one[name] for name in columns] for one in past], wrap=("reason",))
    return 0


@schedule.command(name="set", cls=Leaf)
@click.argument("site")
@click.option("--on/--off", "enabled", default=None, help="Start runs by themselves, or not.")
@click.option("--frequency", metavar="F", help="daily, weekly or monthly (from the day on which it is first on).")
@click.option("--time", "at", metavar="HH:MM", help="In the site's time zone.")
@click.pass_obj
def set_(session: Session, site: str, enabled: bool | None, frequency: str | None, at: str | None) -> int:
    """Change the schedule of SITE."""
    from penstock.accounts.models import site_named
    from penstock.ledger import configuration
    from penstock.ledger import schedule as verbs

    home, owner = session.open(), site_named(site)
    given = {"is_enabled": enabled, "frequency": frequency, "scheduled_time": at}
    configuration.change(owner, {k: v for k, v in given.items() if v is not None}, home.now(), at_terminal(home))
    facts = _facts(verbs.of(owner), owner)
    session.show.document({"site": site, **facts})
    session.show.say(f"Next run of {site}: {facts['next_run_at'] or 'none, the schedule is off'}.")
    return 0


@schedule.command(cls=Leaf)
@click.pass_obj
def check(session: Session) -> int:
    """Look at every schedule now, as a clock that rings each minute would."""
    from penstock.ledger import schedule as verbs

    home = session.open()
    found = [{"site": one.site.name, **_slot(one)} for one in verbs.check(home.clock, home.ids)]
    session.show.document({"slots": found})
    columns = ("site", "due_at", "outcome", "run_id", "reason")
    session.show.table(columns, [[one[name] for name in columns] for one in found], wrap=("reason",))
    if not found:
        session.show.say("Nothing is due.")
    return 0


def _facts(one: Any, site: Any) -> dict[str, Any]:
    from penstock.ledger.schedule import local

    times = {"last_run_at": local(one.last_run_at, site), "next_run_at": local(one.next_run_at, site)}
    return {
        "enabled": one.enabled, "frequency": one.frequency, "time": one.time, "timezone": site.timezone,
        **{name: at.isoformat(timespec="minutes") if at else None for name, at in times.items()},
    }  # fmt: skip


def _slot(one: Any) -> dict[str, Any]:
    from penstock.ledger.schedule import local

    due = local(one.due_at, one.site)
    return {
        "due_at": due.isoformat(timespec="minutes") if due else "",
        "outcome": one.outcome,
        "run_id": one.run,
        "reason": one.reason,
    }

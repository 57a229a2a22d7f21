"""Sites: make, list, show, set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Home, Session
from penstock.engine.failpoint import declare

if TYPE_CHECKING:
    from penstock.accounts.models import Site

declare("sites.set.before_commit", "sites.set.after_commit")  # the ledger is not imported before a command needs it


@click.group(cls=Family)
def site() -> None:
    """Make, list, show and set sites. A site is one collection that is worked for."""


@site.command(cls=Leaf)
@click.argument("name")
@click.option("--pipeline", required=True, help="What the site does: photos or content.")
@click.option("--timezone", default="UTC", show_default=True, metavar="TZ", help="For example Europe/Amsterdam.")
@click.option("--account", default="default", metavar="A", help="Who owns it.")
@click.pass_obj
def create(session: Session, name: str, pipeline: str, timezone: str, account: str) -> int:
    """Make the site NAME: lower-case letters, digits and hyphens."""
    from penstock.accounts.models import create_site
    from penstock.publish import targets

    home = session.open()
    _check_pipeline(pipeline)
    _check_zone(timezone)
    made = create_site(name, pipeline, timezone=timezone, account=account)
    _remember(home, made, f"Site {name} created with the pipeline {pipeline}")
    session.show.document(_facts(made))
    session.show.say(f"Site {name} is made; its files live in {made.root}.")
    for target in targets.listed(made):
        session.show.say(f"It publishes to {target.url} (target {target.name}, {target.kind}).")
    session.show.say(FIRST.get(pipeline, "").format(name=name))
    return 0


FIRST = {  # pipeline → what to type next
    "photos": "Add photos: penstock photos add FOLDER --site {name} --folder … --location … --subject …",
    "content": "Add keywords: penstock content import FILE.csv --site {name}",
}


@site.command(name="list", cls=Leaf)
@click.pass_obj
def list_sites(session: Session) -> int:
    """Every site of this home."""
    from penstock.accounts.models import Site

    found = [_facts(one) for one in Site.objects.select_related("account").order_by("name")]
    session.show.document({"sites": found})
    if not found:
        session.show.say("There is no site yet. Make one: penstock site create NAME --pipeline photos")
    columns = ("id", "name", "pipeline", "timezone", "files")
    session.show.table(columns, [[one[column] for column in columns] for one in found], wrap=("files",))
    return 0


@site.command(cls=Leaf)
@click.argument("name")
@click.pass_obj
def show(session: Session, name: str) -> int:
    """The site NAME with every setting: its value, and what it means."""
    from penstock.accounts.models import site_named

    one = site_named(name)
    described = [
        {"key": key, "value": one.settings.get(key, default), "set": key in one.settings, "meaning": meaning}
        for key, default, meaning in _settings_of(one).describe()
    ]
    session.show.document({**_facts(one), "settings": described})
    for key, value in _facts(one).items():
        session.show.say(f"{key:<9} {value}")
    rows = [(s["key"], _shown(s["value"]), "set" if s["set"] else "", s["meaning"]) for s in described]
    session.show.table(("setting", "value", "", "meaning"), rows, wrap=("meaning",))
    session.show.say(f"Change one: penstock site set {name} KEY=VALUE; an empty value goes back to the default.")
    return 0


@site.command(name="set", cls=Leaf)
@click.argument("name")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE …")
@click.pass_obj
def set_(session: Session, name: str, changes: tuple[str, ...]) -> int:
    """Change settings of the site NAME. All of them, or none when one is wrong; open runs keep theirs."""
    from penstock.accounts.models import site_named
    from penstock.ledger.tx import write

    home = session.open()
    one, pairs = site_named(name), _pairs(changes)
    zone = pairs.pop("timezone", None)
    with write("sites.set"):
        if zone is not None:
            _check_zone(zone)
            one.timezone = zone
            one.save(update_fields=["timezone"])
            _reschedule(home, one)
        if pairs:
            _settings_of(one).change(one, pairs)
        _remember(home, one, f"Settings changed: {', '.join(changes)}")
    session.show.document({**_facts(one), "settings": one.settings})
    session.show.say(f"Site {name}: {', '.join(changes)}. It holds from the next run on.")
    return 0


def _reschedule(home: Home, one: Site) -> None:
    """A schedule is in the site's time zone: its next slot is another moment now."""
    from penstock.ledger import schedule

    if schedule.of(one).pk is not None:
        schedule.change(one, home.now())


def _pairs(changes: tuple[str, ...]) -> dict[str, str]:
    from penstock.engine.errors import UsageError

    pairs = {}
    for change in changes:
        key, sign, value = change.partition("=")
        if not sign or not key:
            raise UsageError(f"{change!r} is no change; write KEY=VALUE")
        pairs[key.strip()] = value.strip()
    return pairs


def _settings_of(one: Site) -> Any:
    from penstock.accounts.sitesettings import settings_of

    return settings_of(one)


def _check_pipeline(pipeline: str) -> None:
    from penstock.engine import PIPELINES
    from penstock.engine.errors import UsageError

    usable = sorted(set(PIPELINES) - {"publish", "regenerate"})
    if pipeline not in usable:
        raise UsageError(f"this version has no pipeline {pipeline!r}; pipelines: {', '.join(usable)}")


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from penstock.engine.errors import UsageError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--timezone: there is no zone {name!r}; write one like Europe/Amsterdam") from None


def _remember(home: Home, one: Site, line: str) -> None:
    from penstock.ledger import events

    events.record(home.now(), "site", site=one.pk, who=home.who, lines=[("INFO", line)])


def _facts(one: Site) -> dict[str, Any]:
    facts = {"id": one.pk, "name": one.name, "pipeline": one.pipeline, "timezone": one.timezone}
    return {**facts, "account": one.account.name, "files": str(one.root)}


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

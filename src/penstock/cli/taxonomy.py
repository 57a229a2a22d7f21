"""Folders and locations that a site knows."""

from __future__ import annotations

from typing import Any

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Session
from penstock.cli.show import count

KIND = click.argument("kind", type=click.Choice(["folder", "location"]))


@click.group(cls=Family)
def taxonomy() -> None:
    """The folders and locations that a site knows. Each change is recorded with who made it."""


@taxonomy.command(name="list", cls=Leaf)
@click.argument("site")
@click.pass_obj
def list_taxa(session: Session, site: str) -> int:
    """The folders and locations of SITE, with how many sets use each."""
    from penstock.accounts.models import site_named
    from penstock.pipelines.photos import taxonomy as taxa

    found = taxa.listing(site_named(site))
    session.show.document({"site": site, "taxonomy": found})
    if not found:
        session.show.say(f"Site {site} knows no folder or location yet; the first photos bring them in.")
    columns = ("kind", "key", "name", "sets")
    session.show.table(columns, [[one[column] for column in columns] for one in found])
    return 0


@taxonomy.command(cls=Leaf)
@click.argument("site")
@KIND
@click.argument("key")
@click.option("--name", default="", help="The name that people read (default: made from KEY).")
@click.pass_obj
def add(session: Session, site: str, kind: str, key: str, name: str) -> int:
    """Make a folder or location known to SITE."""
    from penstock.pipelines.photos import taxonomy as taxa

    taxa.add(*_who(session, site), kind, key, name, **_when(session))
    return _done(session, site, f"{kind} {key} added", kind=kind, key=key)


@taxonomy.command(cls=Leaf)
@click.argument("site")
@KIND
@click.argument("key")
@click.argument("name")
@click.pass_obj
def rename(session: Session, site: str, kind: str, key: str, name: str) -> int:
    """Change the NAME that people read. The key, and so every path and file name, stays."""
    from penstock.pipelines.photos import taxonomy as taxa

    taxa.rename(*_who(session, site), kind, key, name, **_when(session))
    return _done(session, site, f"{kind} {key} is now called {name}", kind=kind, key=key, name=name)


@taxonomy.command(cls=Leaf)
@click.argument("site")
@KIND
@click.argument("key")
@click.argument("into")
@click.pass_obj
def merge(session: Session, site: str, kind: str, key: str, into: str) -> int:
    """Let INTO take over what stands under KEY. What is approved or published keeps KEY."""
    from penstock.pipelines.photos import taxonomy as taxa

    changed = taxa.merge(*_who(session, site), kind, key, into, **_when(session))
    text = f"{kind} {key} merged into {into}: {count(changed, 'photo')} changed"
    return _done(session, site, text, kind=kind, key=key, into=into, changed=changed)


def _who(session: Session, site: str) -> tuple[Any]:
    from penstock.accounts.models import site_named

    return (site_named(site),)


def _when(session: Session) -> dict[str, Any]:
    home = session.open()
    return {"who": home.who, "at": home.now()}


def _done(session: Session, site: str, text: str, **facts: Any) -> int:
    session.show.document({"site": site, **facts})
    session.show.say(f"Site {site}: {text}.")
    return 0

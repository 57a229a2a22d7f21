"""Content: bring keywords in."""

from __future__ import annotations

from pathlib import Path

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Session
from penstock.cli.show import count

SHOWN = 10  # lines that are listed


@click.group(cls=Family)
def content() -> None:
    """Add keywords to a content site."""


@content.command(name="import", cls=Leaf)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.csv")
@click.option("--site", required=True, metavar="S", help="The site that gets them.")
@click.pass_obj
def import_(session: Session, file: Path, site: str) -> int:
    """Take keywords from FILE.csv. It has a heading line (keyword, volume, difficulty, intent; only the first is
    needed), or one keyword per line."""
    from penstock.accounts.models import site_named
    from penstock.engine.errors import UsageError
    from penstock.pipelines.content import intake

    home, owner = session.open(), site_named(site)
    if owner.pipeline != "content":
        raise UsageError(f"site {site} runs {owner.pipeline}; keywords belong to a site with --pipeline content")
    found = intake.import_file(owner, file, home.now(), home.who)
    left = {"duplicate": found.duplicates, "rejected": found.rejected}
    told = {name: [{"line": n, "keyword": k, "reason": why} for n, k, why in lines] for name, lines in left.items()}
    session.show.document({"inserted": found.inserted, **told})
    others = f"{len(found.duplicates)} duplicate, {len(found.rejected)} rejected"
    session.show.say(f"{count(found.inserted, 'keyword')} inserted, {others}.")
    session.show.table(("line", "keyword", "left out, because"), sorted(found.rejected + found.duplicates)[:SHOWN])
    session.show.say(f"Now: penstock run {site}")
    return 0

"""Photos: bring sets in."""

from __future__ import annotations

from pathlib import Path

import click

from penstock.cli.lazy import Family, Leaf
from penstock.cli.session import Session
from penstock.cli.show import count

SHOWN = 10  # skipped files that are listed


@click.group(cls=Family)
def photos() -> None:
    """Add photos to a site."""


@photos.command(cls=Leaf)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--site", required=True, metavar="S", help="The site that gets them.")
@click.option("--folder", required=True, metavar="KEY", help="The folder they are filed under: nature, city, …")
@click.option("--location", required=True, metavar="TOKEN", help="Where they were taken, in one word.")
@click.option("--subject", required=True, metavar="TEXT", help="What they show.")
@click.option("--move", is_flag=True, help="Move the files instead of copying them (rollback puts them back).")
@click.option("--recursive", is_flag=True, help="Look into folders of PATH, too.")
@click.option("--yes", is_flag=True, help="Say yes to a folder or location that is new to the site.")
@click.pass_obj
def add(
    session: Session, path: Path, site: str, folder: str, location: str, subject: str, move: bool,
    recursive: bool, yes: bool,
) -> int:  # fmt: skip
    """Make a set of the photos in PATH (a folder or a file). Nothing is copied before the run."""
    from penstock.accounts.models import site_named
    from penstock.pipelines.photos import intake

    home = session.open()
    added = intake.add(
        site_named(site), path, folder=folder, location=location, subject=subject, move=move,
        recursive=recursive, at=home.now(), who=home.who,
        confirm=lambda question: yes or session.show.confirm(question, "--yes"),
    )  # fmt: skip
    skipped = [{"path": str(file), "reason": reason} for file, reason in added.skipped]
    session.show.document({"set_id": added.set_id, "files": added.files, "skipped": skipped})
    session.show.say(f"Set {added.set_id}: {count(added.files, 'photo')} of {subject} at {location}.")
    if skipped:
        session.show.say(f"{count(len(skipped), 'file')} left out:")
        session.show.table(("file", "because"), [(s["path"], s["reason"]) for s in skipped[:SHOWN]], wrap=("file",))
    session.show.say(f"Now: penstock run {site}")
    return 0

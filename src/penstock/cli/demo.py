"""The demo: a fresh site, sample photos, a run up to the gate, what came out, and the review page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli import demo_content, demo_photos
from penstock.cli.follow import exit_code, follow
from penstock.cli.lazy import Leaf
from penstock.cli.session import Home, Session
from penstock.cli.show import Show, count
from penstock.engine.errors import UsageError

if TYPE_CHECKING:
    from penstock.accounts.models import Site

SHIPPED = ("photos", "content")
HERE = Path("penstock-data")


@dataclass(frozen=True)
class Batch:
    """What the demo brings in: how many files, and how many of them are broken on purpose."""

    files: int
    damaged: int


@click.command(cls=Leaf, home=False)
@click.option("--pipeline", default="photos", show_default=True, help="Which pipeline to show.")
@click.option("--photos", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Your own photos.")
@click.option("--no-serve", is_flag=True, help="End after the summary; do not open the review page.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="The port of the review page.")
@click.pass_obj
def demo(session: Session, pipeline: str, photos: Path | None, no_serve: bool, port: int | None) -> int:
    """Run the photo pipeline on sample photos (or on yours, which are copied and never changed), in a site made
    for it, up to the review; then serve the review page. With --pipeline content: from 200 keywords to articles
    that wait for a person, and no page."""
    if pipeline not in SHIPPED:
        raise UsageError(f"--pipeline: this version does not have {pipeline!r} yet; it has {', '.join(SHIPPED)}")
    if pipeline != "photos" and photos is not None:
        raise UsageError(f"--photos: the {pipeline} pipeline takes none")
    if session.home is None and not os.environ.get("PENSTOCK_HOME"):
        session.fallback = HERE
    home = session.open(port=port)
    from penstock.cli.up import serve
    from penstock.ledger import control

    site = _fresh_site(pipeline)
    batch = _bring_in(home, site, photos, session.show)
    run = control.start(site, home.clock, home.ids, plan=dict(site.settings), who=home.who)
    if not follow(home, run.id, session.show):
        from penstock.cli.follow import conclude

        return conclude(home, run.id, session.show, stopped=True)
    code = _summary(home, site, run.id, batch, session.show)
    if no_serve or pipeline != "photos":
        return code
    served = serve(home, session.show, browser=False)
    return served or code


def _fresh_site(pipeline: str) -> Site:
    """`demo`, or the next free `demo-2`, `demo-3`, …"""
    from penstock.accounts.models import Site, create_site

    taken = set(Site.objects.filter(name__startswith="demo").values_list("name", flat=True))
    name = next(name for n in range(1, len(taken) + 2) if (name := "demo" if n == 1 else f"demo-{n}") not in taken)
    return create_site(name, pipeline)


def _bring_in(home: Home, site: Site, photos: Path | None, show: Show) -> Batch:
    """The person's own folder as one set, or the samples as several; for content the keywords."""
    if site.pipeline == "content":
        demo_content.bring_in(home, site, show)
        return Batch(0, 0)
    if photos is not None:
        n = _add(home, site, photos, "photos", "somewhere", _subject(photos))
        show.note(f"Demo site {site.name}: {count(n, 'photo')} from {photos}. They are copied, never changed.")
        return Batch(n, 0)
    made = demo_photos.make(home.config.home / "demo-photos")
    n = sum(_add(home, site, folder, one.folder, one.location, one.subject) for one, folder in made)
    show.note(
        f"Demo site {site.name}: {count(n, 'sample photo')} in {home.config.home / 'demo-photos'} (public domain and "
        f"CC0; camera, time and place are made up). {demo_photos.DAMAGED} is damaged on purpose."
    )
    return Batch(n, 1)


def _add(home: Home, site: Site, path: Path, folder: str, location: str, subject: str) -> int:
    from penstock.pipelines.photos import intake

    added = intake.add(
        site, path, folder=folder, location=location, subject=subject, recursive=True,
        confirm=lambda _question: True, at=home.now(), who=home.who,
    )  # fmt: skip
    return added.files


def _subject(photos: Path) -> str:
    """The folder's name in words."""
    words = "".join(c if c.isalnum() else " " for c in photos.expanduser().absolute().name).split()
    return " ".join(words)[:60] or "Photos"


def _summary(home: Home, site: Site, run_id: str, batch: Batch, show: Show) -> int:
    """Rows, scores and texts; the exit code forgives what was broken on purpose."""
    from penstock.cli.follow import stage_table
    from penstock.ledger import control
    from penstock.records.overview import broken, headline, run_view

    view = run_view(control.find(run_id))
    show.say()
    show.say(headline(view))
    stage_table(view, show)
    show.say()
    if site.pipeline == "content":
        demo_content.summary(site, view, show)
        return exit_code(view)
    rows = _rows(site)
    show.document({**view, "rows": rows})
    columns = ("id", "photo", "quality", "rating", "status", "text")
    show.table(columns, [[row[name] for name in columns] for row in rows], wrap=("text",))
    show.say()
    for line in _next(view, site):
        show.say(line)
    forgiven = view["status"] == "completed" and broken(view) <= batch.damaged
    return 0 if forgiven else exit_code(view)


def _rows(site: Site) -> list[dict[str, Any]]:
    from penstock.pipelines.photos.models import Photo

    return [
        {
            "id": photo.id,
            "photo": photo.Original_File_Name,
            "file_name": photo.File_Name,
            "quality": photo.QC_Status,
            "rating": photo.QR,
            "status": photo.Review_Status,
            "text": photo.Caption or photo.error,
            "alt_text": photo.alt_text,
            "keywords": photo.Keywords,
        }
        for photo in Photo.objects.filter(site=site).order_by("ordinal", "id")
    ]


def _next(view: dict[str, Any], site: Site) -> list[str]:
    waiting = view["items"].get("waiting", 0)
    if not waiting:
        return [f"Why: penstock logs {view['run_id']}"]
    return [
        "The texts come from templates that say only what is known; a model server writes better ones:",
        f"  penstock site set {site.name} caption_provider=ollama caption_model=qwen2.5vl:3b",
        "Approve on the review page, or here, then publish to a folder:",
        f"  penstock review approve {site.name} --all --count {waiting} && penstock publish {site.name}",
    ]

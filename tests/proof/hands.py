"""What chapters are made of: each looks at what is there, and does what is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from penstock import config
from penstock.engine.clock import SystemClock
from penstock.engine.ids import ProcessIdentity, RandomIds

CLOCK, WHO = SystemClock(), "ann"
ROUNDS = 12  # looks at what is still to do; each undisturbed one ends something


class Told(Exception):
    """A verb answered that it could not do all; whoever asked tries again."""


def to_rest(home: Path, site: Any) -> None:
    """Drive, resume, retry and start until nothing of the site is left to do."""
    from penstock.ledger import control, rows
    from penstock.ledger.models import Run

    table = "file" if site.pipeline == "lab" else "photo"
    for _ in range(ROUNDS):
        drive()
        for run in Run.objects.select_related("site").filter(site=site, status="paused", kind="run"):
            control.resume(run, CLOCK, WHO)
        open_run = Run.objects.filter(site=site, kind="run", active_key__isnull=False).exists()
        if open_run:
            continue
        broken = rows.model_of(table).objects.filter(site=site, state__in=["failed", "quarantined"])
        broken = broken if broken.exists() else rows.model_of("file").objects.filter(site=site, state="failed")
        if broken.exists():
            sky(home, "clear")
            control.retry(control.find(broken.order_by("id")[0].run), CLOCK, RandomIds(), who=WHO)
        elif any(rows.model_of(t).objects.filter(site=site, state="ready").exists() for t in ("file", table)):
            begin(site)
        else:
            return
    raise AssertionError(f"site {site.name} does not come to rest")


def send(before: list[str]) -> None:
    """Publish until every approved item stands on every target, and its run is recorded."""
    from penstock.ledger import control
    from penstock.ledger.models import Run
    from penstock.publish import outbox

    site = herons()
    for _ in range(ROUNDS):
        drive()
        mine = Run.objects.select_related("site").filter(site=site, kind="publish")
        if (paused := mine.filter(status="paused").first()) is not None:
            control.resume(paused, CLOCK, WHO)
        elif any(row.state == "approved" for row in photos()) or not published_since(before):
            outbox.start(site, CLOCK, RandomIds(), WHO)
        else:
            return
    raise AssertionError("publishing does not come to rest")


def die_at_work(run: str) -> None:
    """Claim as a process that is gone; what it did is half there: copies that are whole, moves without their end."""
    from penstock.adapters import files
    from penstock.engine.lanes import Lanes
    from penstock.ledger.store import DjangoLedger
    from tests.ledger.darkroom import FREE, bring

    me = ProcessIdentity.me()
    dead = DjangoLedger(CLOCK, ProcessIdentity(me.host, me.boot, me.pid, me.started + 1))
    while (batch := dead.claim(run, FREE)) is not None:
        if batch.stage.name != "stage_files":
            dead.settle(batch, Lanes(FREE, CLOCK).inline(batch.stage, [dict(i) for i in batch.items], CLOCK), True)
            continue
        for item in batch.items:
            if item["mode"] == "move":
                files.copy_verified(item["source_path"], item["to"])
            else:
                bring(item)


def drive() -> None:
    """Whatever is open is worked at until it rests."""
    from penstock.ledger import drive as driver

    driver.drive(config.current(), interruptible=False)


def begin(site: Any) -> Any:
    """A run over the backlog."""
    from penstock.ledger import control

    return control.start(site, CLOCK, RandomIds(), who=WHO)


def add(site: Any, home: Path, subject: str, names: str, *, move: bool) -> None:
    """A set of originals, one per name; the letter before a dash is the content."""
    from penstock.pipelines.photos import intake
    from penstock.pipelines.photos.models import PhotoSet

    if PhotoSet.objects.filter(site=site, subject=subject).exists():
        return
    card = home / "cards" / subject
    card.mkdir(parents=True, exist_ok=True)
    for name in names.split():
        (card / f"{name}.jpg").write_bytes(f"original {name.partition('-')[0]}".encode())
    where = {"folder": "birds", "location": "pond", "subject": subject}
    intake.add(site, card, confirm=lambda _: True, at=CLOCK.wall(), move=move, **where)  # type: ignore[arg-type]


def configure(home: Path) -> None:
    """`penstock site set herons …`, in this process: texts come from the template."""
    from penstock.cli.session import Home, Session
    from penstock.cli.sites import set_

    session = Session(home=home, quiet=True, opened=Home(config.current(), CLOCK, RandomIds()))
    with redirect_stdout(StringIO()):
        set_.main(args=["herons", "quality=88", "caption_provider=template"], obj=session, standalone_mode=False)


def herons() -> Any:
    """The site with the gate."""
    from penstock.accounts.models import site_named

    return site_named("herons")


def photos() -> list[Any]:
    """Every photo of the herons, in order."""
    from penstock.pipelines.photos.models import Photo

    return list(Photo.objects.filter(site=herons()).order_by("id"))


def state(item: int) -> str:
    """A photo's state as it is now."""
    return {row.id: row.state for row in photos()}[item]


def sky(home: Path, weather: str) -> None:
    """Make the weather (see errands)."""
    (home / "sky").write_text(weather)


def runs() -> Iterator[str]:
    """Every run there is."""
    from penstock.ledger.models import Run

    yield from Run.objects.order_by("id").values_list("id", flat=True)


def published_since(before: list[str]) -> bool:
    """Whether a publishing ended that was not there before the chapter."""
    from penstock.ledger.models import Run

    return bool(Run.objects.filter(kind="publish", status="completed").exclude(id__in=before).exists())

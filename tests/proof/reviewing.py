"""The chapter of the people at the gate: what they decide, words that they teach the site, texts made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penstock.engine.ids import RandomIds
from tests.proof import hands
from tests.proof.hands import CLOCK, ROUNDS, WHO, Told

TEXTS = ("Caption", "alt_text", "Keywords")


def chapter(_home: Path, _before: list[str]) -> None:
    """One approved as it is, one edited and approved, one saved and approved on the cards, one rejected; the last is
    written anew, and saved and approved in the editor."""
    photos = {row.Original_File_Name[0]: row for row in hands.photos()}
    _decided(photos["a"], photos["b"], photos["c"])
    _words()
    if photos["d"].state == "waiting":
        _written_anew(photos["d"].id)
        _saved_and_approved(photos["d"].id)


def _decided(a: Any, b: Any, c: Any) -> None:
    from penstock.console import review as console
    from penstock.review import gate

    if a.state == "waiting":
        gate.edit("photo", a.id, {"Caption": "A heron at dawn."}, who=WHO, at=CLOCK.wall())
        gate.approve("photo", a.id, who=WHO, at=CLOCK.wall())
    if b.state == "waiting":
        row = gate._row(gate.gate_of("photo"), b.id)
        asked = console.Asked("save_approve", row["revision"], None, "once", "", {"Caption": "Both."}, None, None)  # type: ignore[arg-type]
        by = {"who": WHO, "at": CLOCK.wall(), "revision": row["revision"]}
        console._save_and_approve(asked, gate.gate_of("photo"), row, by)
    if c.state == "waiting":
        gate.reject("photo", c.id, reason="Not sharp", who=WHO, at=CLOCK.wall())


def _words() -> None:
    """One word that stays, and one that is thought better of."""
    from penstock.review import spelling

    site = hands.herons()
    for word in ("Fischreiher", "heronn"):
        spelling.add(site, word, WHO, CLOCK.wall())
    spelling.forget(site, "heronn")


def _written_anew(photo: int) -> None:
    """Wish for texts until there are some, then take them; once taken, they are no more asked for."""
    from penstock.ledger import control
    from penstock.ledger.models import Run
    from penstock.pipelines.photos import regenerate
    from penstock.pipelines.photos.models import Regeneration

    site = hands.herons()
    if Regeneration.objects.filter(site=site, photo=photo, taken=True).exists():
        return
    for _ in range(ROUNDS):
        hands.drive()
        wish = regenerate.newest(site, [photo]).get(photo)
        if wish is None or wish["state"] == "failed":
            regenerate.ask(site, [photo], TEXTS, WHO, CLOCK, RandomIds())
        elif wish["state"] == "stopped":
            control.resume(
                Run.objects.select_related("site").get(site=site, kind="generate", status="paused"), CLOCK, WHO
            )
        elif wish["state"] == "done":
            return _asked(photo, "generated", job=wish["job"], fields=dict(wish["texts"]))
    raise AssertionError(f"nothing is written for photo {photo}")


def _saved_and_approved(photo: int) -> None:
    _asked(photo, "save_approve", fields={"Caption": "The last of them."})


def _asked(photo: int, verb: str, **more: Any) -> None:
    """A decision as the editor sends it, by the same id whenever it is sent again."""
    from penstock.console.editor import decisions
    from penstock.console.editor.shapes import Wanted
    from penstock.console.editor.sheet import Sheets

    sheets = Sheets(hands.herons())
    by = {"decision_id": f"world-{verb}", "item": photo, "verb": verb, "revision": sheets.row(photo)["revision"]}
    told = decisions._one(sheets, Wanted.model_validate({**by, **more}), WHO)
    if not told["ok"]:
        raise Told(str(told))

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from penstock.ledger import events
from penstock.review import gate
from tests.console.editor.asking import Desk
from tests.console.rows import photo, site

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_a_row_tells_who_did_what_and_how_its_texts_differ_from_the_generated_ones(ledger_home: Path) -> None:
    made = photo(site(), Caption="A grey bridge.", run="r1")
    events.record(
        AT, "settled", site=made.site_id, run="r1", stage="caption",
        moves=[("photo", made.pk, "caption/leased", "review/ready")],
    )  # fmt: skip
    gate.edit("photo", made.pk, {"Caption": "A grey stone bridge."}, who="ann", at=AT)
    gate.edit("photo", made.pk, {"Caption": "An old stone bridge.", "hold": True}, who="bob", at=AT)
    gate.edit("photo", made.pk, {"hold": False}, who="bob", at=AT)
    gate.reject("photo", made.pk, who="eve", at=AT, reason="Not sharp")
    told = Desk().told("past", item=made.pk)
    assert [(one["word"], one["who"], one["reason"]) for one in told["past"]] == [
        ("Rejected", "eve", "Not sharp"), ("Taken off hold", "bob", ""), ("Edited", "bob", ""), ("Edited", "ann", ""),
    ]  # fmt: skip
    assert told["past"][3]["changes"] == [
        {"field": "Caption", "pieces": [["same", "A grey "], ["new", "stone "], ["same", "bridge."]]}
    ]
    assert "".join(text for kind, text in told["diffs"]["Caption"] if kind != "new") == "A grey bridge."
    assert told["written_at"].startswith("2026-11-25T12:00")


def test_texts_that_were_generated_anew_are_what_is_compared_with(ledger_home: Path) -> None:
    made = photo(site(), Caption="First.")
    gate.edit("photo", made.pk, {"Caption": "Second."}, who="ann", at=AT)
    gate.rewrite("photo", made.pk, {"Caption": "Third."}, {"provider": "ollama"}, who="ann", at=AT)
    assert Desk().told("past", item=made.pk)["diffs"] == {}
    gate.edit("photo", made.pk, {"Caption": "Fourth."}, who="ann", at=AT)
    told = Desk().told("past", item=made.pk)
    assert [text for kind, text in told["diffs"]["Caption"] if kind == "gone"] == ["Third."]
    assert told["written_at"] == AT.isoformat()

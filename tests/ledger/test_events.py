from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.accounts.models import create_site
from penstock.ledger import events
from penstock.ledger import models as m
from tests.oracle.scene import AT


def test_an_event_keeps_its_moves_data_and_lines(ledger_home: Any) -> None:
    site = create_site("a", "photos")
    moves = [("photo", 1, "a/ready", "b/ready"), ("photo", 2, "a/leased", ""), ("photo", 3, "a/ready", "b/ready")]
    events.record(
        AT,
        "settled",
        site=site.pk,
        run="r",
        stage="a",
        who="ann",
        moves=moves,
        data={"passed": 1},
        lines=[("INFO", "x")],
    )
    one = m.Event.objects.get()
    assert one.moves == [["photo", "a/ready", "b/ready", [1, 3]], ["photo", "a/leased", "", [2]]]
    assert sorted(events.unpacked(one.moves)) == sorted(moves)
    assert (one.kind, one.who, one.at, one.data, one.lines) == ("settled", "ann", AT, {"passed": 1}, [["INFO", "x"]])


@given(st.text())
def test_cleaned_text_is_one_printable_line_and_plain_text_is_unchanged(text: str) -> None:
    cleaned = events.clean(text)
    assert cleaned.isprintable()
    assert cleaned.encode().decode() == cleaned
    if text.isprintable():
        assert cleaned == text

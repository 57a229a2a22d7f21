"""Whose fault was it?"""

from __future__ import annotations

from penstock.engine.errors import Blocking, Died, ItemError, Transient, Unavailable
from penstock.engine.outcome import Fail, Retry
from penstock.engine.pipeline import Stage
from penstock.engine.port import Later
from penstock.engine.verdict import verdict

STAGE = Stage(1, "cut", "Cut", "widget", "inline", fail_fields={"QC": "bad"}, backoff=4.0)


class Busy(Transient):
    """The saw is busy."""

    burns = False


def test_the_items_own_fault_fails_it_with_the_stages_fields() -> None:
    assert verdict(ItemError("bent", code="bent"), STAGE) == Fail("bent", "bent", {"QC": "bad"})


def test_a_transient_fault_is_tried_again_at_the_time_that_it_names() -> None:
    assert verdict(Transient("slow", after=3.0), STAGE) == Retry("slow", "transient", 3.0)


def test_a_fault_that_burns_nothing_gives_the_item_back_untried() -> None:
    assert verdict(Busy(), STAGE) == Later(4.0, "The saw is busy.")
    assert verdict(Busy(after=9.0), STAGE) == Later(9.0, "The saw is busy.")


def test_what_is_down_or_blocking_gives_the_item_back_untried() -> None:
    assert verdict(Unavailable("no power"), STAGE) == Later(reason="no power")
    assert verdict(Blocking("no blades"), STAGE) == Later(reason="no blades")


def test_a_death_is_charged_but_an_ended_child_is_not() -> None:
    death = Died("crashed")
    assert verdict(death, STAGE) is death
    assert verdict(Died("ended", cause="aborted"), STAGE) == Later()


def test_a_surprise_is_tried_again_with_its_trace_in_the_log() -> None:
    try:
        raise ValueError("odd")
    except ValueError as error:
        told = verdict(error, STAGE)
    assert isinstance(told, Retry)
    assert (told.reason, told.code) == ("ValueError: odd", "bug")
    assert "Traceback" in told.notes[0].text

"""Verdicts survive the way through a frame."""

from __future__ import annotations

import json

import pytest

from penstock.engine.errors import PenstockError
from penstock.engine.outcome import (
    Done,
    Fail,
    Fallback,
    File,
    Merge,
    Note,
    Outcome,
    Quarantine,
    Ref,
    Retry,
    Row,
    Skip,
    from_json,
    to_json,
)

OUTCOMES: list[Outcome] = [
    Done({"a": 1}, (Row("part", "0", {"b": [1]}),), (File("w", "p", "0" * 64, 3),), (Note("hello", "WARN"),)),
    Done({"cluster": Ref("cluster", "0", 7), "own": Ref("cluster", "1")}, counts={"clusters": 2}),
    Retry("slow", after=2.5),
    Fallback("hard"),
    Fail("bent", fields={"QC": "x"}),
    Quarantine("boom"),
    Merge(7, "twin", "queue", {"c": None}),
    Skip("too few"),
]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda o: type(o).__name__)
def test_an_outcome_comes_back_from_json_as_it_was(outcome: Outcome) -> None:
    assert from_json(json.loads(json.dumps(to_json(outcome)))) == outcome


@pytest.mark.parametrize(
    "data",
    [{}, {"kind": "Nope"}, {"kind": "Retry"}, {"kind": "Done", "files": [{"x": 1}]}, {"kind": "Done", "fields": [1]}],
)
def test_what_is_no_outcome_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(PenstockError, match="worker answered"):
        from_json(data)

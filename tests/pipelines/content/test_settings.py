from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.errors import UsageError
from penstock.pipelines.content import settings


def test_the_defaults_are_those_of_the_specification() -> None:
    s = settings.of({})
    sizes = [getattr(s, f"stage_{n}_batch_size") for n in range(1, 7)]
    assert (sizes, s.overlap, s.between_stage_delay, s.within_stage_delay) == ([50, 10, 50, 5, 10, 5], False, 0, 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [("stage_2_batch_size", "0"), ("stage_1_batch_size", "1001"), ("between_stage_delay", "3601"),
     ("text_provider", "x")],
)  # fmt: skip
def test_a_value_out_of_bounds_is_refused_by_its_name(room: Any, key: str, value: str) -> None:
    before = dict(room.site.settings)
    with pytest.raises(UsageError, match=key):
        settings.change(room.site, {"overlap": "true", key: value})
    room.site.refresh_from_db()
    assert room.site.settings == before


def test_settings_are_stored_as_what_they_are_and_an_empty_one_goes_back(room: Any) -> None:
    settings.change(room.site, {"overlap": "yes", "stage_4_batch_size": "7"})
    room.site.refresh_from_db()
    assert (room.site.settings["overlap"], room.site.settings["stage_4_batch_size"]) == (True, 7)
    settings.change(room.site, {"overlap": ""})
    assert "overlap" not in room.site.settings


def test_a_key_of_another_pipeline_is_refused(room: Any) -> None:
    with pytest.raises(UsageError, match="nima_weights"):
        settings.change(room.site, {"nima_weights": "x"})

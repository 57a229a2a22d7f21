from __future__ import annotations

import pytest

from tests.cli.calling import call


@pytest.fixture(autouse=True)
def _site(_empty: None) -> None:
    assert call("site", "create", "cli-taxonomy", "--pipeline", "photos").code == 0


def test_folders_and_locations_are_added_renamed_and_merged() -> None:
    assert call("taxonomy", "add", "cli-taxonomy", "folder", "nature").code == 0
    assert call("taxonomy", "add", "cli-taxonomy", "folder", "wild", "--name", "Wild life").code == 0
    assert call("taxonomy", "add", "cli-taxonomy", "folder", "wild").code == 2
    assert call("taxonomy", "rename", "cli-taxonomy", "folder", "nature", "Nature at large").code == 0
    assert call("taxonomy", "merge", "cli-taxonomy", "folder", "wild", "nature", "--json").data["changed"] == 0
    listed = call("taxonomy", "list", "cli-taxonomy", "--json").data["taxonomy"]
    assert listed == [{"kind": "folder", "key": "nature", "name": "Nature at large", "sets": 0}]
    assert call("taxonomy", "rename", "cli-taxonomy", "location", "gone", "x").code == 3

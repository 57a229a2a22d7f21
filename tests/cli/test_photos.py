from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.cli.conftest import picture

WORDS = ("--site", "cli-photos", "--folder", "nature", "--location", "Delft", "--subject", "Fields")


@pytest.fixture(autouse=True)
def _site(_empty: None) -> None:
    assert call("site", "create", "cli-photos", "--pipeline", "photos").code == 0


def test_a_new_folder_needs_a_yes_and_then_the_set_is_made_once(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg", 10)
    refused = call("photos", "add", tmp_path, *WORDS)
    assert refused.code == 2
    assert "give --yes" in refused.err
    added = call("--json", "photos", "add", tmp_path, *WORDS, "--yes")
    assert (added.code, added.data["files"], added.data["skipped"]) == (0, 1, [])
    picture(tmp_path / "b.jpg", 20)
    again = call("--json", "photos", "add", tmp_path, *WORDS)
    assert again.data["files"] == 1
    assert [Path(one["path"]).name for one in again.data["skipped"]] == ["a.jpg"]


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    called = call("photos", "add", tmp_path, *WORDS, "--yes")
    assert (called.code, "no pictures there" in called.err) == (2, True)


def test_an_unknown_site_is_exit_code_3(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg", 10)
    assert call("photos", "add", tmp_path, "--site", "nowhere", *WORDS[2:], "--yes").code == 3

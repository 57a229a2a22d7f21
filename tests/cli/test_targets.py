from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import call


@pytest.fixture(autouse=True)
def _site(_empty: None) -> None:
    assert call("site", "create", "cli-targets", "--pipeline", "photos").code == 0


def test_targets_are_added_tested_listed_and_removed(tmp_path: Path) -> None:
    url = (tmp_path / "web").as_uri()
    assert call("target", "add", "cli-targets", "web", "--kind", "folder", "--url", url).code == 0
    assert [one["name"] for one in call("target", "list", "cli-targets", "--json").data["targets"]] == [
        "site",
        "web",
        "mirror",
    ]
    assert call("target", "test", "cli-targets", "web", "--json").data["ok"] is True
    assert call("target", "remove", "cli-targets", "web").code == 0
    assert call("target", "test", "cli-targets", "web").code == 3


@pytest.mark.parametrize("option", ["password=abc", "api_token=abc"])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(option: str, tmp_path: Path) -> None:
    url = (tmp_path / "web").as_uri()
    called = call("target", "add", "cli-targets", "t", "--kind", "folder", "--url", url, "--option", option)
    assert called.code == 2
    assert "--secret-file" in called.err
    assert "abc" not in called.err

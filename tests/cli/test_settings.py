from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import call


def test_each_value_is_shown_with_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "penstock.toml").write_text("port = 9000\n", encoding="utf-8")
    monkeypatch.setenv("PENSTOCK_OPERATOR", "Ada")
    values = call("--json", "--home", tmp_path, "config", "show").data["values"]
    assert (values["port"]["value"], values["port"]["from"]) == (9000, "penstock.toml")
    assert (values["operator"]["value"], values["operator"]["from"]) == ("Ada", "PENSTOCK_OPERATOR")
    assert (values["host"]["from"], values["home"]["from"]) == ("default", "--home")


def test_a_right_configuration_is_said_to_be_right(tmp_path: Path) -> None:
    assert call("--json", "--home", tmp_path, "config", "check").data == {"ok": True, "home": str(tmp_path)}


@pytest.mark.parametrize(
    "url", ["photos.example.org", "ftp://a.example", "https://a.example/path", "https://u:p@a.example"]
)
def test_a_public_address_that_is_none_is_named_with_its_line(tmp_path: Path, url: str) -> None:
    (tmp_path / "penstock.toml").write_text(f'port = 9000\npublic_url = "{url}"\n', encoding="utf-8")
    told = call("--home", tmp_path, "config", "check")
    assert told.code == 2
    assert "line 2" in told.err
    (tmp_path / "penstock.toml").write_text('public_url = "https://photos.example.org:8443"\n', encoding="utf-8")
    assert call("--home", tmp_path, "config", "check").code == 0

from __future__ import annotations

from pathlib import Path

import pytest

from tests import servers
from tests.adapters.remote.conftest import Start, start
from tests.cli.calling import call
from tests.databases import PASSWORD, Database

__all__ = ["start"]


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


def test_a_table_on_a_server_is_added_tested_and_its_password_changed_and_nothing_repeats_it(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(PASSWORD + "\n")
    words = ("target", "add", "cli-targets", "web", "--kind", database.kind, "--url", database.url())
    refused = call(*words, "--secret-file", file)
    assert (refused.code, "add the target with --option make=yes" in refused.err) == (5, True)
    added = call(*words, "--option", "make=yes", "--secret-file", file)
    assert added.code == 0, added.err
    tested = call("target", "test", "cli-targets", "web")
    assert "File_Name is unique" in tested.out
    file.write_text("canary")
    changed = call("target", "secret", "cli-targets", "web", "--secret-file", file)
    assert changed.code == 0, changed.err
    failed = call("target", "test", "cli-targets", "web")
    assert (failed.code, "penstock target secret" in failed.err) == (5, True)
    listed = call("target", "list", "cli-targets", "--json")
    assert [one["name"] for one in listed.data["targets"]] == ["site", "web", "mirror"]
    told = "".join(called.out + called.err for called in (refused, added, tested, changed, failed, listed))
    assert "canary" not in told
    assert PASSWORD not in told


def test_a_folder_has_no_password_to_change(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    called = call("target", "secret", "cli-targets", "site", "--secret-file", tmp_path / "secret")
    assert (called.code, "takes no password" in called.err) == (2, True)


@pytest.mark.parametrize("option", ["password=abc", "api_token=abc"])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(option: str, tmp_path: Path) -> None:
    url = (tmp_path / "web").as_uri()
    called = call("target", "add", "cli-targets", "t", "--kind", "folder", "--url", url, "--option", option)
    assert called.code == 2
    assert "--secret-file" in called.err
    assert "abc" not in called.err


def test_a_server_takes_its_password_from_a_file_and_tells_what_is_wrong(tmp_path: Path, start: Start) -> None:
    far = start("ftps")
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(f"{servers.PASSWORD}\n")
    bad.write_text("a stork\n")
    url = f"ftps://heron@localhost:{far.server.port}/pics"
    words = ("target", "add", "cli-targets", "far", "--kind", "ftps", "--url", url)
    option = ("--option", f"ca={far.home / 'server.crt'}")
    refused = call(*words, *option, "--secret-file", str(bad))
    assert refused.code == 5
    assert "check user and password" in refused.err
    assert "stork" not in refused.err
    assert "certificate" in call(*words, "--secret-file", str(good)).err
    added = call(*words, *option, "--secret-file", str(good), "--json")
    assert added.code == 0
    assert servers.PASSWORD not in added.out + added.err
    assert call("target", "test", "cli-targets", "far", "--json").data["ok"] is True
    far.server.kill()
    away = call("target", "test", "cli-targets", "far")
    assert away.code == 5
    assert "nobody answers" in away.err

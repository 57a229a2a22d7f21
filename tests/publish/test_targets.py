from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from penstock import config
from penstock.engine.errors import NotFound, Refused, Unavailable, UsageError
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.publish import TARGETS

if TYPE_CHECKING:
    from tests.publish.desk import Desk


def test_the_pair_is_listed_files_first_and_tested(desk: Desk) -> None:
    from penstock.publish import targets

    assert [(one.name, one.kind, one.rank) for one in targets.listed(desk.site)] == [
        ("files", "folder", 0),
        ("table", "sqlite", 1),
    ]
    assert "can be written" in targets.test(targets.named(desk.site, "files"))
    assert "photos_info_revamp is there" in targets.test(targets.named(desk.site, "table"))


def test_urls_name_the_same_places_as_paths(desk: Desk, tmp_path: Path) -> None:
    from penstock.publish import targets

    folder = targets.add(desk.site, "a", "folder", f"file://{tmp_path}/with%20space")
    assert folder.url == f"{tmp_path}/with space"
    table = targets.add(desk.site, "b", "sqlite", f"sqlite:///{tmp_path}/site.db", {"table": "pictures"})
    assert table.url == f"{tmp_path}/site.db"
    assert (tmp_path / "site.db").exists()


@pytest.mark.parametrize(
    ("name", "kind", "url", "options", "words"),
    [
        ("Bad Name", "folder", "/tmp/x", {}, "cannot name a target"),
        ("files", "folder", "/tmp/x", {}, "already"),
        ("x", "wordpress", "https://h", {}, "not built yet in this version; there are: folder"),
        ("x", "pigeon", "x", {}, "is unknown; there are: folder"),
        ("x", "folder", "http://example.org", {}, "give a path or file:///path"),
        ("x", "folder", "file://other/x", {}, "give a path or file:///path"),
        ("x", "folder", " ", {}, "give a path or file:///path"),
        ("x", "folder", "/tmp/x", {"a": "b"}, "option a: this kind of target has no such option; it has none"),
        ("x", "sqlite", "mysql://h/d", {}, "no SQLite database"),
        ("x", "sqlite", "/tmp/x.db", {"table": "a; DROP"}, "letters, digits and underscores"),
    ],
)
def test_what_cannot_be_a_target_is_refused_in_a_sentence(
    desk: Desk, name: str, kind: str, url: str, options: dict[str, str], words: str
) -> None:
    from penstock.publish import targets

    with pytest.raises(UsageError, match=words):
        targets.add(desk.site, name, kind, url, options)


def test_our_own_database_is_no_target(desk: Desk) -> None:
    from penstock import config
    from penstock.publish import targets

    with pytest.raises(UsageError, match="own database"):
        targets.add(desk.site, "own", "sqlite", str(config.current().database))


def test_a_target_that_is_away_fails_its_test(desk: Desk) -> None:
    from penstock.publish import targets

    desk.base.rmdir()
    with pytest.raises(Unavailable, match="mount or make it"):
        targets.test(targets.named(desk.site, "files"))


def test_a_target_with_open_deliveries_is_not_removed(desk: Desk) -> None:
    from penstock.publish import targets

    desk.photo()
    run = desk.start()
    with pytest.raises(Refused, match="1 deliveries are open"):
        targets.remove(desk.site, "files")
    desk.drive(run)
    targets.remove(desk.site, "files")
    assert [one.name for one in targets.listed(desk.site)] == ["table"]
    targets.add(desk.site, "files", "folder", str(desk.base))
    with pytest.raises(NotFound, match="targets: files, table"):
        targets.remove(desk.site, "nowhere")


def test_an_unused_target_goes_altogether(desk: Desk) -> None:
    from penstock.publish import targets
    from penstock.publish.models import Target

    targets.remove(desk.site, "table")
    assert list(Target.objects.values_list("name", flat=True)) == ["files"]


@pytest.mark.parametrize("point", ["credentials.before_rename", "credentials.after_rename"])
def test_a_target_gets_no_password_of_one_that_was_never_added(desk: Desk, tmp_path: Path, point: str) -> None:
    from penstock.publish import credentials, targets
    from penstock.publish.models import Target
    from tests.proof import far

    def add_secret() -> None:
        targets.add(desk.site, "secret", "far-table", f"{far.ROWS}{tmp_path / 'far.db'}", secret=far.PASSWORD)

    with patch.dict(TARGETS, far.TARGETS):
        with pytest.raises(SimulatedCrash), armed(f"{point}=crash"):
            add_secret()
        far.forget()
    assert not Target.objects.filter(name="secret").exists()
    open_one = targets.add(desk.site, "open", "folder", str(tmp_path / "open"))
    assert credentials.of(open_one) == ""
    assert list((config.current().home / "secrets").glob("*")) == []

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.cli.conftest import prepared


@pytest.fixture
def web(_empty: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the site `cli-publish`, with two photos to approve, publishes to."""
    prepared("cli-publish", tmp_path_factory.mktemp("in"), whole=2, broken=0)
    assert call("-q", "run", "cli-publish").code == 0
    for target in ("site", "mirror"):  # those that a new site has
        assert call("target", "remove", "cli-publish", target).code == 0
    assert call("publish", "cli-publish").code == 4
    folder = tmp_path_factory.mktemp("web")
    assert call("target", "add", "cli-publish", "web", "--kind", "folder", "--url", folder.as_uri()).code == 0
    return folder


def files(web: Path) -> list[str]:
    return sorted(file.name for file in web.rglob("*.JPG"))


def test_approved_items_are_previewed_published_compared_and_taken_back(web: Path) -> None:
    nothing = call("publish", "cli-publish", "--dry-run")
    assert (nothing.code, "Nothing is approved" in nothing.out) == (0, True)
    assert call("-q", "review", "approve", "cli-publish", "--all", "--count", 2).code == 0

    planned = call("--json", "publish", "cli-publish", "--dry-run").data
    assert (planned["would_publish"], planned["published"], files(web)) == (2, 0, [])

    sent = call("--json", "-q", "publish", "cli-publish")
    assert sent.code == 0, sent.err
    assert {k: sent.data[k] for k in ("published", "failed", "unchanged", "conflicts")} == {
        "published": 2, "failed": 0, "unchanged": 0, "conflicts": 0,
    }  # fmt: skip
    assert [list(row) for row in sent.data["rows"]] == [["id", "status", "error"]] * 2
    assert len(files(web)) == 4
    assert call("--json", "-q", "publish", "cli-publish").data["unchanged"] == 2

    assert call("--json", "reconcile", "cli-publish").data["ok"] is True
    next(iter(web.rglob("*.JPG"))).unlink()
    found = call("reconcile", "cli-publish")
    assert (found.code, "missing: take it back" in found.out) == (1, True)

    item = sent.data["rows"][0]["id"]
    back = call("--json", "unpublish", "cli-publish", item)
    assert (back.code, back.data["unpublished"]) == (0, 1)
    assert [one["id"] for one in call("--json", "review", "list", "cli-publish").data["items"]] == [item]
    again = call("unpublish", "cli-publish", item)
    assert (again.code, "is not published" in again.out) == (1, True)


def test_the_mirror_is_compared_and_written_anew_when_told(web: Path) -> None:
    mirror = web.parent / f"{web.name}.db"
    words = ("target", "add", "cli-publish", "mirror", "--kind", "sqlite", "--url", mirror, "--option", "mirror=yes")
    assert call(*words).code == 0
    assert call("-q", "review", "approve", "cli-publish", "--all", "--count", 2).code == 0
    assert call("-q", "publish", "cli-publish").code == 0
    with closing(sqlite3.connect(mirror)) as db:
        db.execute("DELETE FROM photos_info_revamp WHERE id=1")
        db.commit()
    found = call("reconcile", "cli-publish")
    assert (found.code, "is gone from mirror" in found.out) == (1, True)
    mended = call("reconcile", "cli-publish", "--mirror")
    assert (mended.code, "1 row of the mirror written anew" in mended.err) == (0, True), mended.err
    assert call("reconcile", "cli-publish").code == 0


def test_an_unknown_target_is_exit_code_3(web: Path) -> None:
    assert call("publish", "cli-publish", "--dry-run", "--target", "gone").code == 3

"""An approved photo goes to a server and comes back: plan, publish, reconcile, unpublish, with nothing told aloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.engine.errors import Unavailable, UsageError
from tests.adapters.remote.conftest import Start
from tests.servers import PASSWORD, tree

if TYPE_CHECKING:
    from tests.publish.desk import Desk

FULL, THUMB = "pics/2024/nature/Heron at dawn.JPG", "pics/2024/thumbs/nature/Heron at dawn.JPG"


def add(desk: Desk, far: Any, **more: Any) -> Any:
    """The server as target `web` of the site."""
    from penstock.publish import targets

    url = f"ftps://heron@localhost:{far.server.port}/pics"
    return targets.add(desk.site, "web", "ftps", url, {"ca": str(far.home / "server.crt"), **more}, PASSWORD)


def test_a_photo_is_planned_published_compared_and_taken_back(desk: Desk, start: Start) -> None:
    from penstock.publish import drift, outbox, targets, undo
    from tests.publish.desk import CLOCK, WHO, recounted

    far = start("ftps")
    target, item = add(desk, far), desk.photo()
    assert "can be written" in targets.test(target)
    assert [(one.item, one.target) for one in outbox.plan(desk.site).new] == [(item, "web")]
    assert desk.publish()["published"] == 1
    assert list(tree(far.root)) == [FULL, THUMB]
    assert drift.reconcile(desk.site) == []
    (far.root / THUMB).unlink()
    (far.root / "pics" / "theirs\x1b[2J.jpg").write_bytes(b"theirs")
    assert [one.what for one in drift.reconcile(desk.site)] == ["missing", "foreign"]
    assert undo.unpublish(desk.site, [item], WHO, CLOCK)["unpublished"] == 1
    assert list(tree(far.root)) == ["pics/theirs\x1b[2J.jpg"]
    recounted()


def test_somebody_elses_file_is_a_conflict_in_the_plan_and_in_the_run(desk: Desk, start: Start) -> None:
    from penstock.publish import outbox

    far = start("ftps")
    add(desk, far)
    item = desk.photo()
    (far.root / FULL).parent.mkdir(parents=True)
    (far.root / FULL).write_bytes(b"theirs")
    assert [one.item for one in outbox.plan(desk.site).conflicts] == [item]
    result = desk.publish()
    assert (result["published"], result["conflicts"]) == (0, 1)
    assert (far.root / FULL).read_bytes() == b"theirs"
    assert list(tree(far.root)) == [FULL]


def test_a_hostile_name_fails_alone_and_says_nothing_to_the_server(desk: Desk, start: Start) -> None:
    far = start("ftps")
    add(desk, far)
    (far.root / "theirs.jpg").write_bytes(b"theirs")
    for name in ("a\r\nDELE /theirs.jpg", "../../theirs.jpg", "a\x1b[2J.JPG", " .JPG "):
        desk.photo(name)
    desk.photo(
        "Heron at dawn.JPG", Caption="=cmd|' /C calc'!A1 <script>\x00\r\n", Keywords="'; DROP TABLE x; --, \x1b[2J"
    )
    result = desk.publish()
    assert (result["published"], result["failed"]) == (1, 4)
    assert all("no place below" in row["error"] for row in result["rows"] if row["status"] == "failed")
    assert list(tree(far.root)) == [FULL, THUMB, "theirs.jpg"]


def test_the_password_stands_in_one_file_of_its_owner_and_nowhere_else(
    desk: Desk, start: Start, ledger_home: Path
) -> None:
    from penstock.publish import targets

    add(desk, start("ftps"))
    desk.photo()
    assert desk.publish()["published"] == 1
    holders = [path for path in ledger_home.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert [path.parent.name for path in holders] == ["secrets"]
    assert holders[0].stat().st_mode & 0o777 == 0o600
    targets.remove(desk.site, "web")
    assert holders[0].exists()  # what was published there can still be taken back


def test_a_server_that_is_away_pauses_the_run_and_burns_no_try(desk: Desk, start: Start) -> None:
    from penstock.ledger import control
    from penstock.ledger.models import Run
    from penstock.publish.models import Delivery
    from tests.publish.desk import CLOCK

    far = start("ftps")
    add(desk, far)
    desk.photo()
    far.server.kill()
    run = desk.start()
    desk.drive(run)
    run = Run.objects.get(id=run.id)
    assert run.status == "paused"
    assert "nobody answers" in run.error_message
    assert Delivery.objects.get().attempts == 0
    far.server.start()
    control.resume(run, CLOCK)
    assert desk.drive(run)["published"] == 1
    assert list(tree(far.root)) == [FULL, THUMB]


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("ftp://h/x", {}, "is no ftps address"),
        ("ftps://a:b@h/x", {}, "holds a password"),
        ("ftps://h/x", {"plaintext": "yes"}, "it has ca, timeout"),
        ("ftps://h/x", {"timeout": "soon"}, "option timeout"),
    ],
)
def test_what_cannot_be_a_target_is_refused_before_anything_is_asked(
    desk: Desk, url: str, options: dict[str, str], words: str
) -> None:
    from penstock.publish import targets

    with pytest.raises(UsageError, match=words):
        targets.add(desk.site, "web", "ftps", url, options)


def test_a_target_whose_server_does_not_let_in_is_not_added(desk: Desk, start: Start) -> None:
    from penstock.publish import targets

    far = start("ftps")
    url = f"ftps://heron@localhost:{far.server.port}/"
    with pytest.raises(Unavailable, match="check user and password"):
        targets.add(desk.site, "web", "ftps", url, {"ca": str(far.home / "server.crt")}, "wrong")
    assert targets.listed(desk.site) == []

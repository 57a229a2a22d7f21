from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import pytest

from penstock.engine.errors import UsageError
from tests.adapters.remote.conftest import Start
from tests.servers import tree

if TYPE_CHECKING:
    from tests.publish.desk import Desk


def test_a_photo_goes_to_a_server_whose_key_was_named_and_comes_back(desk: Desk, start: Start) -> None:
    from penstock.publish import drift, targets, undo
    from tests.publish.desk import CLOCK, WHO

    far = start("sftp")
    key = " ".join((far.home / "host_key.pub").read_text().split()[:2])
    url = f"sftp://{getpass.getuser()}@localhost:{far.server.port}{far.root}/pics"
    targets.add(desk.site, "web", "sftp", url, {"host_key": key, "key_file": str(far.home / "user_key")})
    item = desk.photo()
    assert desk.publish()["published"] == 1
    assert sorted(tree(far.root)) == ["pics/2024/nature/Heron at dawn.JPG", "pics/2024/thumbs/nature/Heron at dawn.JPG"]
    assert drift.reconcile(desk.site) == []
    assert undo.unpublish(desk.site, [item], WHO, CLOCK)["unpublished"] == 1
    assert tree(far.root) == {}


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("sftp://h/x", {}, "names no user"),
        ("sftp://ann@h/x", {"host_key": "abc"}, "option host_key"),
        ("sftp://ann@h/x", {"ca": "x"}, "it has host_key, known_hosts, key_file, timeout"),
    ],
)
def test_what_cannot_be_a_target_is_refused_before_anything_is_asked(
    desk: Desk, url: str, options: dict[str, str], words: str
) -> None:
    from penstock.publish import targets

    with pytest.raises(UsageError, match=words):
        targets.add(desk.site, "web", "sftp", url, options)

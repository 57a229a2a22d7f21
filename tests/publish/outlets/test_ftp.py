from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from penstock.engine.errors import UsageError
from tests.adapters.remote.conftest import Start
from tests.servers import PASSWORD, tree

if TYPE_CHECKING:
    from tests.publish.desk import Desk


def test_plain_ftp_is_refused_until_somebody_says_that_they_want_it(desk: Desk, start: Start) -> None:
    from penstock.publish import targets

    far = start("ftp")
    url = f"ftp://heron@localhost:{far.server.port}/pics"
    for options in ({}, {"plaintext": "no"}):
        with pytest.raises(UsageError, match=r"readable for everybody .* use --kind ftps"):
            targets.add(desk.site, "web", "ftp", url, options, PASSWORD)
    targets.add(desk.site, "web", "ftp", url, {"plaintext": "yes"}, PASSWORD)
    desk.photo()
    assert desk.publish()["published"] == 1
    assert len(tree(far.root)) == 2


@pytest.mark.parametrize(
    "point",
    ["publish.before_send", "remote.before_upload@1", "remote.after_upload@1", "remote.before_rename@1",
     "remote.after_rename@1", "remote.before_upload@2", "remote.after_rename@2", "publish.before_settle"],
)  # fmt: skip
def test_a_child_killed_at_any_step_ends_in_the_same_place(
    desk: Desk, start: Start, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    from penstock.publish import targets
    from tests.publish.desk import recounted
    from tests.publish.test_outbox import _killing_once

    far = start("ftp")
    url = f"ftp://heron@localhost:{far.server.port}/pics"
    targets.add(desk.site, "web", "ftp", url, {"plaintext": "yes"}, PASSWORD)
    name, _, nth = point.partition("@")
    desk.photo()
    monkeypatch.setenv("PENSTOCK_FAILPOINTS", f"{name}=kill@{nth or 1}")
    run = desk.start()
    _killing_once(monkeypatch)
    assert desk.drive(run)["published"] == 1
    assert "PENSTOCK_FAILPOINTS" not in os.environ  # a worker was really killed
    assert sorted(tree(far.root)) == ["pics/2024/nature/Heron at dawn.JPG", "pics/2024/thumbs/nature/Heron at dawn.JPG"]
    assert desk.states() == {"web": ("done", "sent")}
    recounted()

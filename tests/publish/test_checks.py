"""What publishing adds to preflight and validation."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from penstock.ledger.models import Run
from penstock.publish import checks
from penstock.publish.models import Delivery
from tests.publish.desk import Desk


def states(found: object) -> list[tuple[str, str]]:
    """(name, state) of each point."""
    return [(point.name, point.state) for point in found]  # type: ignore[attr-defined]


def newest() -> Run:
    """The run that published."""
    return Run.objects.order_by("-started_at").first()  # type: ignore[return-value]


def test_preflight_tries_every_target(desk: Desk) -> None:
    assert states(checks.places(desk.site)) == [("target files", "ok"), ("target table", "ok")]


def test_a_site_without_targets_is_told_so(desk: Desk) -> None:
    desk.site.targets.all().delete()
    assert states(checks.places(desk.site)) == [("targets", "warn")]


def test_a_published_photo_passes_every_point(desk: Desk) -> None:
    desk.photo()
    desk.publish()
    for point in (checks.uploads, checks.rows, checks.addresses):
        assert [state for _, state in states(point(newest()))] == ["ok"]


def test_a_file_that_went_from_the_target_is_told(desk: Desk) -> None:
    desk.photo()
    desk.publish()
    for file in desk.base.rglob("*.JPG"):
        file.unlink()
    (point,) = checks.rows(newest())
    assert (point.state, "missing" in point.detail) == ("fail", True)


def test_a_failed_delivery_is_told_until_a_later_one_succeeds(desk: Desk) -> None:
    desk.photo()
    desk.publish()
    one = Delivery.objects.order_by("id").first()
    assert one is not None
    Delivery.objects.filter(id=one.id).update(state="failed", outcome="", error="no space")
    (point,) = checks.uploads(newest())
    assert (point.state, "no space" in point.detail) == ("fail", True)


@pytest.fixture
def web() -> Iterator[str]:
    """A server that answers 404 to everything."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_public_address_that_does_not_answer_is_told(desk: Desk, web: str) -> None:
    desk.photo()
    desk.publish()
    for one in Delivery.objects.all():
        one.payload["row"]["Path"] = f"{web}/a.JPG"
        one.save(update_fields=["payload"])
    (point,) = checks.addresses(newest())
    assert (point.state, "/a.JPG: status" in point.detail) == ("fail", True)

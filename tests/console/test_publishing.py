from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock import config
from penstock.ledger.drive import drive
from penstock.pipelines.photos.models import Photo
from tests.console.rows import signed_in
from tests.publish.desk import Desk


@pytest.fixture
def desk(ledger_home: Path) -> Desk:
    made = Desk()
    made.database.unlink(missing_ok=True)
    made.add_targets()
    return made


def start(client: Any, count: int, **more: str) -> Any:
    return client.post("/sites/herons/publish", {"count": str(count), "target": "", **more})


def driven(desk: Desk) -> None:
    assert drive(config.current(), interruptible=False)


def test_the_difference_is_shown_before_anything_is_sent(desk: Desk) -> None:
    desk.photo()
    desk.photo("Heron at dusk.JPG", approve=False)
    client = signed_in()
    page = client.get("/sites/herons/publish").content.decode()
    assert "Heron at dawn" not in page
    looked = client.get("/sites/herons/publish?look=1").content.decode()
    assert "<strong>2</strong> New there" in looked
    assert "Heron at dawn.JPG" in looked
    assert "Heron at dusk" not in looked
    one = client.get("/sites/herons/publish?look=1&target=files", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in one
    assert "<strong>1</strong> New there" in one
    assert desk.files() == {}


def test_one_last_confirmation_publishes_exactly_what_was_counted(desk: Desk) -> None:
    desk.photo()
    client = signed_in()
    assert "1 approved photo will be sent to 2 targets" in client.get("/sites/herons/publish/confirm").content.decode()
    desk.photo("Heron at noon.JPG")
    refused = start(client, 1)
    assert refused.status_code == 409
    assert "2 photos are approved now" in refused.content.decode()
    answer = start(client, 2)
    assert answer.status_code == 302
    before = client.get(answer.url).content.decode()
    assert "0 of 2 photos are settled" in before
    driven(desk)
    after = client.get(answer.url, headers={"HX-Request": "true"}).content.decode()
    assert "2 published, 0 there already, 0 failed, 0 in conflict" in after
    assert "hx-trigger" not in after
    assert set(Photo.objects.values_list("Review_Status", flat=True)) == {"Published"}


def test_a_conflict_is_shown_with_its_row_and_not_overwritten(desk: Desk) -> None:
    desk.photo()
    place = desk.base / "2024" / "nature" / "Heron at dawn.JPG"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"somebody else's")
    client = signed_in()
    looked = client.get("/sites/herons/publish?look=1").content.decode()
    assert "In conflict" in looked
    answer = start(client, 1)
    driven(desk)
    page = client.get(answer.url).content.decode()
    assert "1 in conflict" in page
    assert "Heron at dawn.JPG" in page
    assert place.read_bytes() == b"somebody else's"


def test_what_failed_is_tried_once_more(desk: Desk) -> None:
    item = desk.photo()
    client = signed_in()
    original = Path(Photo.objects.get(id=item).staged_path)
    kept = original.read_bytes()
    original.write_bytes(kept + b"changed")
    answer = start(client, 1)
    driven(desk)
    page = client.get(answer.url).content.decode()
    assert "Try what failed once more" in page
    assert "its original changed on disk" in page
    original.write_bytes(kept)
    again = client.post(answer.url)
    driven(desk)
    assert "1 published" in client.get(again.url).content.decode()


def test_a_run_of_publishing_is_shown_on_its_own_site_only(desk: Desk) -> None:
    from tests.console.rows import site

    desk.photo()
    site("delft")
    client = signed_in()
    answer = start(client, 1)
    name = answer.url.rpartition("/")[2]
    assert client.get(f"/sites/delft/publish/{name}").status_code == 404
    assert start(client, 1, target="nowhere").status_code == 404


def test_without_a_target_the_page_says_how_to_add_one(ledger_home: Path) -> None:
    Desk()
    page = signed_in().get("/sites/herons/publish").content.decode()
    assert "<span>target</span> <span>add</span> <span>herons</span>" in page
    assert "Publish 0" not in page

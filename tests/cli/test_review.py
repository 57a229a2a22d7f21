from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.cli.conftest import Reviewed


@pytest.fixture
def site(reviewed: Reviewed) -> str:
    """The name of the reviewed site."""
    return reviewed.site


def waiting(site: str) -> list[int]:
    return [one["id"] for one in call("--json", "review", "list", site).data["items"]]


def test_the_list_has_the_promised_shape(reviewed: Reviewed) -> None:
    first = call("--json", "review", "list", reviewed.site).data["items"][0]
    assert list(first) == ["id", "status", "title", "flags"]
    assert first["status"] == "Pending"


def test_what_failed_is_listed_with_its_reason(reviewed: Reviewed) -> None:
    assert "cut short" in call("review", "list", reviewed.site, "--status", "Error").out
    assert len(call("--json", "review", "list", reviewed.site, "--status", "all").data["items"]) == 6
    assert call("review", "list", reviewed.site, "--status", "odd").code == 2


def test_an_item_is_shown_with_its_fields(reviewed: Reviewed) -> None:
    item = reviewed.ids("Pending")[0]
    shown = call("--json", "review", "show", reviewed.site, item).data
    assert shown["fields"]["Caption"]
    assert shown["decisions"] == []
    assert "alt_text" in call("review", "show", reviewed.site, item).out


def test_an_item_of_another_site_is_not_found(reviewed: Reviewed) -> None:
    item = reviewed.ids("Pending")[0]
    site = "cli-other"
    call("site", "create", site, "--pipeline", "photos")
    assert call("review", "show", site, item).code == 3
    assert call("review", "approve", site, item).code == 3
    assert call("review", "edit", site, item, "--caption", "x").code == 3
    assert item in reviewed.ids("Pending")


def test_an_edit_voids_an_approval_and_is_written_down(site: str) -> None:
    item = waiting(site)[0]
    assert call("--json", "review", "approve", site, item).data == {"approved": [item], "refused": []}
    assert item not in waiting(site)
    edited = call("review", "edit", site, item, "--caption", "Striped fields near Delft in green and grey light.")
    assert "its approval is void" in edited.out
    assert item in waiting(site)
    verdicts = [d["verdict"] for d in call("--json", "review", "show", site, item).data["decisions"]]
    assert verdicts == ["approved", "edited"]


def test_an_edit_needs_a_field_and_a_good_value(site: str) -> None:
    item = waiting(site)[0]
    assert call("review", "edit", site, item).code == 2
    refused = call("review", "edit", site, item, "--keywords", " , ")
    assert (refused.code, "Keywords" in refused.err) == (2, True)


def test_a_held_item_cannot_be_approved(site: str) -> None:
    item = waiting(site)[0]
    assert call("review", "edit", site, item, "--hold").code == 0
    refused = call("review", "approve", site, item)
    assert (refused.code, "on hold" in refused.err) == (4, True)
    assert call("review", "edit", site, item, "--no-hold").code == 0


def test_a_rejection_needs_a_reason(site: str) -> None:
    item = waiting(site)[-1]
    assert call("review", "reject", site, item).code == 2
    assert call("review", "reject", site, item, "--reason", " ").code == 2
    assert call("review", "reject", site, item, "--reason", "not sharp").code == 0
    assert call("--json", "review", "show", site, item).data["status"] == "Rejected"


def test_all_are_approved_only_by_somebody_who_knows_how_many(site: str) -> None:
    number = len(waiting(site))
    assert call("review", "approve", site, "--all").code == 2
    assert call("review", "approve", site, "--all", "--count", number + 1).code == 4
    assert call("review", "approve", site, 1, "--all", "--count", number).code == 2
    assert len(waiting(site)) == number
    assert len(call("--json", "review", "approve", site, "--all", "--count", number).data["approved"]) == number
    assert waiting(site) == []


def test_of_several_items_the_good_ones_are_decided_and_the_others_told(reviewed: Reviewed) -> None:
    good, broken = reviewed.ids("Pending")[:2], reviewed.ids("Error")[0]
    called = call("--json", "review", "approve", reviewed.site, *good, broken)
    assert called.code == 1
    assert called.data["approved"] == good
    assert [one["id"] for one in called.data["refused"]] == [broken]


def test_rows_go_to_a_spreadsheet_and_come_back_with_texts_and_decisions(site: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    assert call("--json", "review", "export", site, file).data["rows"] == 5
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[0] |= {"Caption": "Striped fields near Delft under an even grey sky.", "decision": "approve"}
    rows[1] |= {"decision": "reject", "reason": "not sharp"}
    rows[2] |= {"decision": "perhaps"}
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    taken = call("--json", "review", "import", site, file)
    assert taken.code == 1
    assert (taken.data["edited"], taken.data["approved"], taken.data["rejected"]) == (1, 1, 1)
    assert [one["id"] for one in taken.data["refused"]] == [rows[2]["id"]]
    assert "refused, because" in call("review", "import", site, file).out

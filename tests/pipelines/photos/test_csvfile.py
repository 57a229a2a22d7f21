"""The review as a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from penstock.engine.errors import UsageError
from penstock.pipelines.photos import csvfile
from penstock.pipelines.photos.models import Photo
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")


def changed(file: Path, **answers: str) -> None:
    """Type answers into every row of the file."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        found = list(csv.DictReader(stream))
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, csvfile.COLUMNS)
        writer.writeheader()
        writer.writerows({**row, **answers} for row in found)


def test_what_was_exported_comes_back_unchanged(tmp_path: Path) -> None:
    site = rows.site()
    rows.waiting(site, Caption='=HYPERLINK("x")', Keywords="-a, @b")
    assert csvfile.export(site, tmp_path / "a.csv") == 1
    assert csvfile.import_(site, tmp_path / "a.csv", "ann")["unchanged"] == 1


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    site = rows.site()
    rows.waiting(site, Caption="=1+1", alt_text="+x", Keywords="@y", Subject="-z")
    csvfile.export(site, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_edits_and_decisions_come_back(tmp_path: Path) -> None:
    site = rows.site()
    photo = rows.waiting(site)
    csvfile.export(site, tmp_path / "a.csv")
    changed(tmp_path / "a.csv", Caption="A grey heron in shallow water.", decision="approve")
    assert csvfile.import_(site, tmp_path / "a.csv", "ann") == {
        "edited": 1, "approved": 1, "rejected": 0, "pending": 0, "unchanged": 0, "refused": [],
    }  # fmt: skip
    photo.refresh_from_db()
    assert (photo.Caption, photo.Review_Status) == ("A grey heron in shallow water.", "Approved")


def test_a_row_that_changed_elsewhere_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    site = rows.site()
    first, second = rows.waiting(site, 1), rows.waiting(site, 2)
    csvfile.export(site, tmp_path / "a.csv")
    Photo.objects.filter(id=first.id).update(revision=5)
    changed(tmp_path / "a.csv", Subject="Coot")
    done = csvfile.import_(site, tmp_path / "a.csv", "ann")
    assert (done["edited"], [r["id"] for r in done["refused"]]) == (1, [str(first.id)])
    second.refresh_from_db()
    assert second.Subject == "Coot"


@pytest.mark.parametrize(("text", "said"), [(b"\xff\xfe\x00", "UTF-8"), (b"name\nx\n", "`id`"), (b"", "`id`")])
def test_a_file_that_is_no_such_table_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "a.csv").write_bytes(text)
    with pytest.raises(UsageError, match=said):
        csvfile.import_(rows.site(), tmp_path / "a.csv", "ann")

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from penstock.publish import website

ROW: dict[str, Any] = {
    **dict.fromkeys(website.COLUMNS, ""),
    "Folder": "nature", "File_Name": "A b.JPG", "Original_File_Name": "", "DateTime": "2024:05:06 07:08:09", "QR": 7.5,
    "Width": 6000, "Height": 4000, "year": "2019", "staged_path": "/in/1.jpg", "content_hash": "c", "zone": "+02:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("taken", "year", "expected"),
    [("2024:05:06 07:08:09", "2019", "2024"), ("", "2019", "2019"), ("", "", "unknown"), ("0000:00:00", "", "unknown"),
     ("٢٠٢٤:01:01", "", "unknown")],
)  # fmt: skip
def test_the_year_is_the_same_in_every_place(taken: str, year: str, expected: str) -> None:
    row = {**ROW, "DateTime": taken, "year": year}
    parcel = website.parcel(row, {"public_url_base": "https://e.org"}, "/base")
    assert parcel["places"] == {"full": f"{expected}/nature/A b.JPG", "thumb": f"{expected}/thumbs/nature/A b.JPG"}
    assert parcel["row"]["Path"] == f"https://e.org/{expected}/nature/A%20b.JPG"
    assert parcel["row"]["Thumb_Path"] == f"https://e.org/{expected}/thumbs/nature/A%20b.JPG"


def test_the_row_has_the_websites_columns_and_none_of_ours() -> None:
    row = website.parcel(ROW, {}, "/base")["row"]
    assert list(row) == list(website.COLUMNS)
    assert len(row) == 26
    assert not {"Subject", "Review_Status", "state", "run"} & set(row)


def test_empty_text_is_no_value_except_where_one_is_needed() -> None:
    row = website.parcel(ROW, {}, "/base")["row"]
    assert (row["Caption"], row["Original_File_Name"], row["QR"]) == (None, "", 7.5)


@pytest.mark.parametrize(
    ("size", "settings", "expected"),
    [((6000, 4000), {}, (1500, 1000)), ((300, 200), {}, (300, 200)),
     ((4000, 6000), {"full_size": [800, 600]}, (400, 600)),
     ((None, None), {}, (0, 0))],
)  # fmt: skip
def test_width_and_height_are_those_of_the_published_picture(size: Any, settings: Any, expected: Any) -> None:
    row = website.parcel({**ROW, "Width": size[0], "Height": size[1]}, settings, "")["row"]
    assert (row["Width"], row["Height"]) == expected


def test_a_bar_starts_the_watermarks_second_line() -> None:
    render = website.parcel(ROW, {"watermark": "(c) Ann|Photography"}, "")["render"]
    assert render["mark"]["text"] == "(c) Ann\nPhotography"
    assert website.parcel(ROW, {}, "")["render"]["mark"] is None


def test_the_watermarks_picture_is_bound_by_what_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "mark.png"
    file.write_bytes(b"picture")
    mark = website.parcel(ROW, {"watermark_image": str(file)}, "")["render"]["mark"]
    assert mark["sha256"] == hashlib.sha256(b"picture").hexdigest()


def test_what_is_embedded_is_what_was_approved_and_the_sites_rights() -> None:
    row = {**ROW, "Caption": "C.", "alt_text": "A.", "Keywords": "a, b", "Subject": "Heron"}
    fields = website.parcel(row, {"creator": "Ann", "copyright": "(c) Ann"}, "")["render"]["fields"]
    assert fields == {
        "Caption": "C.", "alt_text": "A.", "Keywords": "a, b", "DateTime": ROW["DateTime"], "zone": "+02:00",
        "Headline": "Heron", "Artist": "Ann", "Copyright": "(c) Ann",
    }  # fmt: skip

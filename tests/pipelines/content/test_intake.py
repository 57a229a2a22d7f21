"""Keywords come in once, whatever file they stand in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.engine.errors import UsageError
from penstock.pipelines.content import intake
from tests.pipelines.content.room import AT


def test_the_columns_of_common_tools_are_read_by_their_headings(room: Any, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text('\ufeffKeyword;Search Volume;KD %;Search Intent\n"tea; green";1,900;42%;Informational\n', "utf-8")
    assert intake.import_file(room.site, file, AT).inserted == 1
    (row,) = room.rows("keyword")
    assert {name: row[name] for name in ("keyword", "volume", "difficulty", "intent", "status")} == {
        "keyword": "tea; green", "volume": 1900, "difficulty": 42.0, "intent": "informational", "status": "new",
    }  # fmt: skip


def test_a_file_without_headings_is_one_keyword_per_line(room: Any) -> None:
    assert room.keywords(["tea, green and black", "", "coffee"]).inserted == 2
    assert [row["keyword"] for row in room.rows("keyword")] == ["tea, green and black", "coffee"]


def test_case_white_space_and_unicode_form_do_not_make_a_new_keyword(room: Any) -> None:
    found = room.keywords(["Café  crème", "CAFE\u0301 CRÈME", "\uff23\uff41\uff46\uff45 noir"])
    assert (found.inserted, [line for line, _, _ in found.duplicates]) == (2, [2])
    again = room.keywords(["cafe noir", " café crème "])
    assert (again.inserted, len(again.duplicates)) == (0, 2)
    assert len(room.rows("keyword")) == 2


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("?!,1", "no letter or digit"),
        (f"{'x' * 201},1", "longer than 200"),
        ("tea,many", "volume is no number"),
        ("tea,-1", "volume is no number"),
        ("tea,nan", "volume is no number"),
        ("tea\x07,1", "control characters"),
    ],
)
def test_what_cannot_be_a_keyword_is_told_with_its_line_and_the_rest_goes_on(room: Any, line: str, why: str) -> None:
    found = intake.import_text(room.site, f"keyword,volume\n{line}\ngood one,5\n", AT)
    assert found.inserted == 1
    ((number, _, reason),) = found.rejected
    assert (number, why in reason) == (2, True)


def test_what_looks_like_a_formula_or_markup_is_kept_as_the_text_that_it_is(room: Any) -> None:
    words = ["=HYPERLINK(1)", "<script>alert(1)</script>", "'; DROP TABLE keyword; --"]
    assert room.keywords(words).inserted == 3
    assert [row["keyword"] for row in room.rows("keyword")] == words


def test_a_file_that_is_no_text_or_not_there_is_refused_in_a_sentence(room: Any, tmp_path: Path) -> None:
    (tmp_path / "picture.csv").write_bytes(b"\xff\xd8\xff\xe0keyword")
    for name, word in (("picture.csv", "UTF-8"), ("none.csv", "no such file")):
        with pytest.raises(UsageError, match=word):
            intake.import_file(room.site, tmp_path / name, AT)


def test_a_large_file_goes_in_pages_and_the_counters_equal_a_recount(
    room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "PAGE", 7)
    assert room.keywords([f"phrase {n}" for n in range(30)] * 2).inserted == 30
    assert room.pending()["keywords_to_clusters"] == 30
    assert [row["ordinal"] for row in room.rows("keyword")] == list(range(1, 31))

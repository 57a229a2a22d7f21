from __future__ import annotations

from tests.proof.picture import differences

END = {"photo": [{"id": 1, "state": "waiting"}], "files": {"a.jpg": "1"}}


def test_equal_pictures_do_not_differ() -> None:
    assert differences(END, {"photo": [{"id": 1, "state": "waiting"}], "files": {"a.jpg": "1"}}) == []


def test_a_row_that_is_lost_or_changed_is_told() -> None:
    assert differences(END, {**END, "photo": []}) == ["photo: 1 rows became 0"]
    assert differences(END, {**END, "photo": [{"id": 1, "state": "done"}]}) == [
        "photo 1: {'state': ('waiting', 'done')}"
    ]


def test_a_file_that_is_left_over_or_changed_is_told() -> None:
    assert differences(END, {**END, "files": {"a.jpg": "2", "b.part": "3"}}) == [
        "files: a.jpg: 1 became 2",
        "files: b.part: None became 3",
    ]

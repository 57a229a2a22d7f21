from __future__ import annotations

import json

import pytest

from penstock.cli.show import Show, count, safe
from penstock.engine.errors import UsageError


def test_with_json_only_the_document_reaches_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    show = Show(json=True)
    show.say("for people")
    show.table(("a",), [(1,)])
    show.note("progress")
    show.document({"é": 1})
    said = capsys.readouterr()
    assert json.loads(said.out) == {"é": 1}
    assert said.err == "progress\n"


def test_quiet_keeps_notes_back_but_not_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    show = Show(quiet=True)
    show.note("progress")
    show.warn("look")
    assert capsys.readouterr().err == "look\n"


def test_a_plain_table_lines_up_numbers_right_and_words_left(capsys: pytest.CaptureFixture[str]) -> None:
    Show().table(("name", "n"), [("a", 5), ("longer", 12)])
    assert capsys.readouterr().out == "name     n\na        5\nlonger  12\n"


def test_control_characters_never_reach_the_terminal() -> None:
    assert safe("a\x1b[31mb\x00c\nd") == "a [31mb c\nd"


def test_without_a_terminal_a_question_is_an_error_that_names_its_flag() -> None:
    with pytest.raises(UsageError, match="give --yes"):
        Show().confirm("Really?", "--yes")
    with pytest.raises(UsageError, match="give --count N"):
        Show().ask("How many?", "--count N")


def test_things_are_counted_in_words() -> None:
    words = [count(1, "photo"), count(1200, "photo"), count(0, "entry", "entries")]
    assert words == ["1 photo", "1,200 photos", "0 entries"]


def test_commands_in_a_text_carry_the_home_of_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    Show(home="/a b").say("Now: penstock run alps (`penstock logs X`), not /x/penstock data or Penstock itself")
    said = capsys.readouterr().out
    assert said == (
        "Now: penstock --home '/a b' run alps (`penstock --home '/a b' logs X`), "
        "not /x/penstock data or Penstock itself\n"
    )

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import psutil
import pytest

from penstock.engine import ids
from penstock.engine.errors import UsageError
from penstock.engine.ids import ProcessIdentity, RandomIds, SequenceIds

WALL = datetime(2026, 11, 21, 10, 15, 2, tzinfo=UTC)


def test_a_run_id_is_its_time_and_four_letters_that_nobody_else_has() -> None:
    made = {RandomIds().run_id(WALL) for _ in range(50)}
    assert len(made) > 45
    assert all(re.fullmatch(r"20261121-101502-[a-z2-7]{4}", one) for one in made)


def test_tokens_cannot_be_guessed_and_do_not_repeat() -> None:
    made = {RandomIds().token() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in made)


def test_sequence_ids_are_the_same_in_every_repetition() -> None:
    first, second = SequenceIds(), SequenceIds()
    assert [first.run_id(WALL) for _ in range(33)] == [second.run_id(WALL) for _ in range(33)]
    assert first.run_id(WALL) == "20261121-101502-aabb"
    assert [first.token(), first.token()] == ["token-000001", "token-000002"]


def test_this_process_is_alive_and_survives_the_way_to_text_and_back() -> None:
    me = ProcessIdentity.me()
    assert me.alive()
    assert not me.gone()
    assert ProcessIdentity.from_text(me.to_text()) == me


def test_a_number_that_was_given_to_another_process_is_not_the_old_one() -> None:
    old = replace(ProcessIdentity.me(), started=ProcessIdentity.me().started - 1)
    assert not old.alive()
    assert old.gone()


def test_an_ended_process_is_gone_even_before_anybody_collected_it() -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    try:
        started = ids._started(process.pid)
        assert started is not None
        other = replace(ProcessIdentity.me(), pid=process.pid, started=started)
        assert other.alive()
        process.kill()
        watched = psutil.Process(process.pid)
        while watched.status() != psutil.STATUS_ZOMBIE:
            assert process.returncode is None
        assert other.gone()
        assert not other.alive()
    finally:
        process.communicate()
    assert other.gone()


@pytest.mark.parametrize("field", ["host", "boot"])
def test_another_machine_or_boot_is_neither_alive_nor_surely_gone(field: str) -> None:
    other = replace(ProcessIdentity.me(), **{field: "elsewhere"})
    assert not other.alive()
    assert not other.gone()


@pytest.mark.parametrize("text", ["", "host boot 12", "host boot pid 3", "a b 1 2 3"])
def test_a_text_that_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no process identity"):
        ProcessIdentity.from_text(text)


def test_without_a_process_file_system_the_platform_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_PROC", "/nowhere")
    me = ProcessIdentity.me()
    assert me.started == int(psutil.Process().create_time() * 100)
    assert me.alive()
    assert replace(me, pid=2**22 + 1).gone()

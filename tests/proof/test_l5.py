from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.memory import MemoryLedger
from penstock.pipelines.photos import namebook, register
from tests.proof import examples
from tests.proof.machines.leases import Leases
from tests.proof.machines.names import Names


@pytest.mark.parametrize(("name", "number"), [("leases", 15), ("leases-disk", 2), ("lifecycle", 2), ("names", 3)])
def test_a_machine_and_its_model_agree(name: str, number: int) -> None:
    assert told(examples.MACHINES[name], f"{name}:short", number) == ""


def test_runs_over_real_files_are_rolled_back_to_what_was_there() -> None:
    assert told(examples.MACHINES["rollbacks"], "rollbacks:short", 1) == ""


def test_examples_come_as_cases_of_their_chunk() -> None:
    found = examples.chunk("leases:9.1")
    assert 1 <= len(found) <= examples.CHUNK
    assert {case.seed for case in found} == {"leases:9.1"}
    assert examples.replay("leases:9.1").violations == ()


def test_a_ledger_without_its_epoch_is_caught_with_the_steps_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(self: Any, batch: Any, results: Any, last: bool) -> None:
        """As if whoever brings results still held the batch."""
        lease = self.store.leases.get(batch.id)
        if lease is not None:
            lease.holder = self.holder
        own(self, batch, results, last)

    own = MemoryLedger.settle
    monkeypatch.setattr(MemoryLedger, "settle", settle)
    text = told(Leases, "leases:careless", 60)
    assert "a zombie" in text
    assert "state.settle(" in text


def test_a_name_that_is_compared_as_it_is_written_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namebook.names, "fold", lambda name: name)
    assert "state.rename(" in told(Names, "names:literal", 60)


def test_an_undo_that_moves_whatever_it_finds_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "_ours", lambda source, target, mark: True)
    assert "state.bring(" in told(Names, "names:greedy", 60)


def told(machine: Any, seed: str, number: int) -> str:
    """What a machine says after so many examples."""
    examples.ready()
    return examples.examine(machine, seed, number, least=False)

"""L1: crashes, errors, stalls and persons, simulated in one process over both ledgers (see `fates`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.proof import throwaway
from tests.proof.case import Case, Level


def cases(seed: int) -> Iterator[Case]:
    """What must be covered first, in turns with what is drawn; for ever."""
    yield from _fates().cases(seed)


def replay(seed: str) -> Case:
    """The case of a seed that `cases` gave."""
    case: Case = _fates().replay(seed)
    return case


LEVEL = Level("L1", "simulated crashes in one process", cases, replay, share=0.18, least=10_000)


def _fates() -> Any:
    """Loaded once Django runs, for it holds models."""
    throwaway.started()
    from tests.proof import fates

    return fates

"""L5: Hypothesis state machines, each with a model in plain Python (see `examples` and `machines`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.proof import throwaway
from tests.proof.case import Case, Level


def cases(seed: int) -> Iterator[Case]:
    """Examples of every machine in turn; for ever."""
    yield from _examples().cases(seed)


def replay(seed: str) -> Case:
    """The examples of a seed that `cases` gave."""
    case: Case = _examples().replay(seed)
    return case


LEVEL = Level("L5", "Hypothesis state machines", cases, replay, share=0.2, least=1000)


def _examples() -> Any:
    """Loaded once Django runs, for it holds models."""
    throwaway.started()
    from tests.proof import examples

    return examples

"""What L5 runs: Hypothesis state machines. Each keeps a model in plain Python and asks after each step if it holds.

Examples come in chunks, each from a seed of its own; a chunk that fails tells the steps of its smallest example."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, get_state_machine_test

from tests.proof import throwaway
from tests.proof.case import Case
from tests.proof.machines.leases import Leases, LeasesOnDisk
from tests.proof.machines.lifecycle import Lifecycle
from tests.proof.machines.names import Names
from tests.proof.machines.rollbacks import Rollbacks

CHUNK = 10  # examples of one seed
STEPS = 16
MACHINES: dict[str, type[RuleBasedStateMachine]] = {
    "leases": Leases,
    "leases-disk": LeasesOnDisk,
    "lifecycle": Lifecycle,
    "names": Names,
    "rollbacks": Rollbacks,
}
TURNS = (*("leases",) * 10, "leases-disk", "names", "lifecycle", "names", "leases-disk", "rollbacks")


def cases(start: int) -> Iterator[Case]:
    """For ever, machine by machine."""
    number = 0
    while True:
        for name in TURNS:
            yield from chunk(f"{name}:{start}.{number}")
            number += 1


def replay(text: str) -> Case:
    """The whole chunk of a seed: the first case with a violation, else the last."""
    found = list(chunk(text))
    return next((case for case in found if case.violations), found[-1])


def chunk(text: str) -> list[Case]:
    """Run the examples of a seed; one case each, the last of which tells what was wrong."""
    ready()
    name = text.partition(":")[0]
    counted = _Counted(MACHINES[name])
    wrong = examine(counted, text)
    fine = [Case(text, f"{name}, example {n}") for n in range(1, min(CHUNK, counted.examples) + (not wrong))]
    return [*fine, Case(text, f"{name}, a failing example", (wrong,))] if wrong else fine


def ready() -> None:
    """The dead are expected here; SQLite stands ready."""
    logging.getLogger("penstock").setLevel(logging.CRITICAL)
    throwaway.home()


def examine(
    machine: Callable[[], RuleBasedStateMachine], text: str, examples: int = CHUNK, *, least: bool = True
) -> str:
    """Run a machine on examples drawn from `text`; answers the steps (`least`: the fewest) and the error that came."""
    how = settings(
        max_examples=examples, stateful_step_count=STEPS, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink) if least else (Phase.generate,),
    )  # fmt: skip
    test: Any = get_state_machine_test(machine, settings=how)  # type: ignore[arg-type]
    try:
        seed(random.Random(text).getrandbits(32))(test)()
    except Exception as error:  # what it was stands in the case
        notes = "\n".join(getattr(error, "__notes__", []))
        return f"{type(error).__name__}: {error}\n{notes}"
    return ""


class _Counted:
    """Makes machines and counts them."""

    def __init__(self, machine: type[RuleBasedStateMachine]) -> None:
        self.machine, self.examples = machine, 0
        self.TestCase = machine.TestCase
        self.__name__ = machine.__name__

    def __call__(self) -> RuleBasedStateMachine:
        self.examples += 1
        return self.machine()

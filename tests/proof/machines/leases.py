"""Three actors over one store: they claim, settle in slices, beat, stall, die, come back. Only holders write."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from penstock.engine.errors import LeaseLost
from penstock.engine.outcome import Done, Fail
from penstock.engine.port import Later, Result
from tests.proof.diskworld import disk_world
from tests.proof.memoryworld import MemoryWorld
from tests.proof.plantlines import Outside, line
from tests.proof.processes import LEASE
from tests.proof.virtualtime import LoopClock

ACTORS = (0, 1, 2)
WHATS = {"done": Done({"note": "x"}), "fail": Fail("bent", "bent"), "later": Later()}


@dataclass
class Held:
    """What the model knows of a batch: whose it is, until when, and which items of it are not settled."""

    batch: Any
    owner: str
    until: float
    left: list[int]
    open: bool = True


class Leases(RuleBasedStateMachine):
    """The model is a list of batches; the store must agree with it after every step."""

    disk = False

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.clock = LoopClock(1000.0)
        self.world: Any = self.stack.enter_context(disk_world(self.clock)) if self.disk else MemoryWorld(self.clock)
        self.run = self.world.start(line("plant", Outside()), ("",) * 5)
        self.born = 0
        self.names = ["", "", ""]
        self.ledgers: list[Any] = [None, None, None]
        self.dead: set[str] = set()
        self.batches: list[Held] = []
        self.settled: dict[int, str] = {}  # item → what its first stage made of it

    def teardown(self) -> None:
        """Whatever was left half done, a fresh process brings in order."""
        try:
            for name in set(self.names) - self.dead:
                self._die(name)
            self._restart(0)
            self.clock.advance(LEASE + 0.1)
            self.world.recover(self.ledgers[0])
            assert not any(self.world.is_open(held.batch.id) for held in self.batches)
            assert self.world.violations() == []
        finally:
            self.stack.close()

    @initialize(far=st.lists(st.booleans(), min_size=3, max_size=3))
    def arrive(self, far: list[bool]) -> None:
        """Actors on this machine, and on others."""
        for actor in ACTORS:
            self._restart(actor, far=far[actor])

    @rule(actor=st.sampled_from(ACTORS))
    def claim(self, actor: int) -> None:
        """Whoever asks gets items that nobody holds, or nothing when there are none."""
        name = self.names[actor]
        batch = None if name in self.dead else self.ledgers[actor].claim(self.run, {"cpu": 9})
        if batch is None:
            return
        taken = {item for held in self.batches if held.open for item in held.left}
        items = [item["id"] for item in batch.items]
        if batch.stage.name == "cut":
            assert not taken & set(items), "an item is held twice"
            assert not set(items) & set(self.settled), "what was settled is claimed again"
        self.batches.append(Held(batch, name, self.clock.monotonic() + LEASE, items))

    @precondition(lambda self: self.batches)
    @rule(
        data=st.data(), actor=st.sampled_from(ACTORS), what=st.sampled_from(sorted(WHATS)), last=st.booleans(),
        own=st.sampled_from((True, True, True, False)),
    )  # fmt: skip
    def settle(self, data: st.DataObject, actor: int, what: str, last: bool, own: bool) -> None:
        """A holder settles a slice; anybody else (a zombie, a thief) changes nothing."""
        mine = [held for held in self.batches if held.owner == self.names[actor]] if own else self.batches
        if not mine or self.names[actor] in self.dead:
            return
        held = data.draw(st.sampled_from(mine))
        items = held.left if last else held.left[:1]
        per_item = held.batch.stage.per == "item"
        results = [Result(item, WHATS[what] if per_item else Later(), 1) for item in items]
        self._settle(actor, held, results, what if per_item else "later", last)

    def _settle(self, actor: int, held: Held, results: list[Result], what: str, last: bool) -> None:
        rightful = held.open and held.owner == self.names[actor]
        before = None if rightful else self.world.snapshot()
        try:
            self.ledgers[actor].settle(held.batch, results, last)
        except LeaseLost:
            assert not rightful, "a rightful holder was turned away"
            assert before == self.world.snapshot(), "a zombie changed something"
            return
        assert rightful, "a zombie's settle was taken"
        held.until = self.clock.monotonic() + LEASE
        held.open = not last
        for result in results:
            held.left.remove(result.item)
            if what != "later" and held.batch.stage.name == "cut":
                assert result.item not in self.settled
                self.settled[result.item] = what

    @rule(actor=st.sampled_from(ACTORS))
    def beat(self, actor: int) -> None:
        """A heartbeat is answered with exactly what was lost."""
        name = self.names[actor]
        mine = [held for held in self.batches if held.owner == name]
        if name in self.dead or not mine:
            return
        lost = self.ledgers[actor].beat([held.batch for held in mine])
        assert lost == {held.batch.id for held in mine if not held.open}
        for held in mine:
            if held.open:
                held.until = self.clock.monotonic() + LEASE

    @rule(share=st.sampled_from((0.3, 0.6, 1.1)))
    def wait(self, share: float) -> None:
        """Time passes."""
        self.clock.advance(LEASE * share)

    @rule(actor=st.sampled_from(ACTORS))
    def kill(self, actor: int) -> None:
        """As SIGKILL does: nothing is given back."""
        self._die(self.names[actor])

    @rule(actor=st.sampled_from(ACTORS), far=st.booleans())
    def restart(self, actor: int, far: bool) -> None:
        """A successor, who recovers first."""
        if self.names[actor] in self.dead:
            self._restart(actor, far=far)
            self._freed_by(self.world.recover, actor)

    @rule(actor=st.sampled_from(ACTORS))
    def sweep(self, actor: int) -> None:
        """A look for lost holders frees exactly those whose lease ran out, or who are known to be gone."""
        if self.names[actor] not in self.dead:
            self._freed_by(self.world.sweep, actor)

    def _freed_by(self, step: Any, actor: int) -> None:
        step(self.ledgers[actor])
        sweeping = step == self.world.sweep and self.disk  # a driver does not doubt itself
        blind = self.disk and self.names[actor].startswith("far")  # other machines cannot see who lives here
        for held in self.batches:
            gone = held.owner in self.dead and not held.owner.startswith("far") and not blind
            late = held.until < self.clock.monotonic()
            if held.open and (gone or late) and not (sweeping and held.owner == self.names[actor]):
                held.open = False

    @invariant()
    def the_store_agrees(self) -> None:
        """Open batches are those that the model calls open, and what they hold is leased by them."""
        for held in self.batches:
            assert self.world.is_open(held.batch.id) == held.open, f"batch {held.batch.id} of {held.owner}"
        leased = {row[0]: row[1] for row in self._leased()}
        told = {item: h.batch.id for h in self.batches if h.open for item in h.left if h.batch.stage.takes == "widget"}
        assert leased == told

    def _leased(self) -> list[tuple[int, int]]:
        if self.disk:
            model = self.world._models["widget"]
            return list(model.objects.filter(state="leased").values_list("id", "batch"))
        rows = self.world.store.rows["widget"].values()
        return [(row["id"], row["batch"]) for row in rows if row["state"] == "leased"]

    def _die(self, name: str) -> None:
        if name and name not in self.dead:
            self.dead.add(name)
            self.world.died(name)

    def _restart(self, actor: int, *, far: bool = False) -> None:
        self.born += 1
        self.names[actor] = f"{'far' if far else 'near'}-{self.born}"
        self.ledgers[actor] = self.world.ledger(self.names[actor])


class LeasesOnDisk(Leases):
    """The same over SQLite."""

    disk = True

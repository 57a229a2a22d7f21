"""Every interleaving with two pre-emptions of pairs that must not come between each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from penstock.engine.errors import LeaseLost, PenstockError
from penstock.engine.port import Result
from penstock.engine.states import RunState
from tests.proof.case import Case
from tests.proof.diskworld import DiskWorld, disk_world
from tests.proof.duel import Duel
from tests.proof.plantlines import Outside, line
from tests.proof.processes import LEASE
from tests.proof.simulation import Scenario, difference, undisturbed
from tests.proof.virtualtime import LoopClock

FREE = {"cpu": 9, "model": 9}
SCENE = Scenario("plant", ("", "once"))
MOST = 60  # points of an actor that are tried


class Scene:
    """A run at the moment in which two come together."""

    def __init__(self, world: DiskWorld) -> None:
        self.world, self.outside = world, Outside("pair")
        self.run = world.start(line(SCENE.line, self.outside), SCENE.plans)
        self.one, self.two = world.ledger("near-1"), world.ledger("near-2")

    def until(self, stage: str) -> Any:
        """The first holder works until it holds a batch of this stage."""
        while True:
            batch = self.one.claim(self.run, FREE)
            if batch.stage.name == stage:
                return batch
            self.settle(self.one, batch)

    def settle(self, ledger: Any, batch: Any) -> None:
        """Work it on the spot and settle it."""
        from penstock.engine.lanes import Lanes
        from penstock.engine.verdict import verdict

        found = Lanes(FREE, self.world.clock).inline(batch.stage, [dict(i) for i in batch.items], self.world.clock)
        judged = [
            Result(r.item, verdict(r.what, batch.stage) if isinstance(r.what, Exception) else r.what, r.attempt)
            for r in found
        ]
        ledger.settle(batch, judged, True)

    def work(self, ledger: Any) -> None:
        """Everything there is, then ask for the end."""
        while self.step(ledger):
            pass
        ledger.rest(self.run)

    def step(self, ledger: Any) -> bool:
        """One batch; False when there is none."""
        batch = ledger.claim(self.run, FREE)
        if batch is not None:
            self.settle(ledger, batch)
        return batch is not None

    def calm(self) -> None:
        """A third process comes, recovers and brings the run to rest."""
        self.world.alive.clear()
        third = self.world.ledger("near-3")
        for _ in range(40):
            self.world.recover(third)
            self.work(third)
            if self.world.status(self.run) == RunState.PAUSED:
                self.world.resume()
            elif self.world.status(self.run) != RunState.RUNNING:
                return
            self.world.clock.advance(0.3)
        raise AssertionError("the run does not come to rest")


Actors = tuple[Callable[[], Any], Callable[[], Any]]


def _rescue_settle(scene: Scene, stage: str = "cut") -> Actors:
    """The lease has run out: its holder settles after all while another takes over."""
    batch = scene.until(stage)
    scene.world.clock.advance(LEASE + 0.1)

    return lambda: scene.settle(scene.one, batch), lambda: (scene.world.sweep(scene.two), scene.step(scene.two))


def _rescue_beat(scene: Scene) -> Actors:
    """The holder beats late while another takes over."""
    batch = scene.until("cut")
    scene.world.clock.advance(LEASE + 0.1)

    def beat() -> None:
        if not scene.one.beat([batch]):
            scene.settle(scene.one, batch)

    return beat, lambda: (scene.world.sweep(scene.two), scene.two.claim(scene.run, FREE))


def _workers(scene: Scene) -> Actors:
    """Two drivers on the same run."""
    return lambda: scene.step(scene.one), lambda: scene.step(scene.two)


def _cancel_worker(scene: Scene) -> Actors:
    def cancel() -> None:
        with suppress(PenstockError):
            scene.world.cancel()
        scene.two.rest(scene.run)

    return lambda: (scene.step(scene.one), scene.one.rest(scene.run)), cancel


def _finish_settle(scene: Scene) -> Actors:
    """The last batch is settled while another asks whether the run is over."""
    batch = scene.until("look")
    return lambda: (scene.settle(scene.one, batch), scene.one.rest(scene.run)), lambda: scene.two.rest(scene.run)


def _pause_resume(scene: Scene) -> Actors:
    """A pause is taken back in the moment in which it would hold."""
    scene.until("cut")
    scene.world.recover(scene.two)
    scene.world.pause()

    def resume() -> None:
        with suppress(PenstockError):
            scene.world.resume()
        scene.two.claim(scene.run, FREE)

    return lambda: scene.one.rest(scene.run), resume


def _recoveries(scene: Scene) -> Actors:
    """Two starts recover the same dead holder at once."""
    scene.until("number")
    scene.world.died("near-1")
    third = scene.world.ledger("near-4")
    return lambda: scene.world.recover(third), lambda: scene.world.recover(scene.two)


def _starts(scene: Scene) -> Actors:
    """Two people start the next run at once."""
    from penstock.ledger import control

    scene.until("cut")
    scene.world.cancel()
    scene.world.died("near-1")
    scene.world.recover(scene.two)
    scene.two.rest(scene.run)

    def start() -> None:
        scene.run = control.start(scene.world.site, scene.world.clock, scene.world.ids).id

    return start, start


PAIRS: dict[str, tuple[Callable[[Scene], Actors], bool]] = {
    "rescue-settle": (_rescue_settle, True),
    "rescue-settle-set": (lambda scene: _rescue_settle(scene, "number"), True),
    "rescue-settle-last": (lambda scene: _rescue_settle(scene, "look"), True),
    "rescue-beat": (_rescue_beat, True),
    "worker-worker": (_workers, True),
    "cancel-worker": (_cancel_worker, False),
    "finish-settle": (_finish_settle, True),
    "pause-resume": (_pause_resume, True),
    "recovery-recovery": (_recoveries, True),
    "start-start": (_starts, True),
}
"""Name → (what makes the two, whether the run must end where an undisturbed one ends)."""


def pair_cases() -> Iterator[Case]:
    """Every pair, each of the two first, held up at every point, the other at every point; the pairs take turns."""
    running = [_of_pair(name, first) for name in PAIRS for first in (0, 1)]
    while running:
        for one in list(running):
            case = next(one, None)
            if case is None:
                running.remove(one)
            else:
                yield case


def _of_pair(name: str, first: int) -> Iterator[Case]:
    mine, last = 1, False
    while not last and mine <= MOST:
        case, points = _every(name, first, mine, 1)
        yield case
        last = mine >= points[0]
        others = 2
        while others <= min(points[1], MOST):
            case, points = _every(name, first, mine, others)
            yield case
            others += 1
        mine += 1


def replay_pair(seed: str) -> Case:
    """`pair:NAME:FIRST.I.J`."""
    _, name, place = seed.split(":")
    first, mine, others = map(int, place.split("."))
    return _every(name, first, mine, others)[0]


def _every(name: str, first: int, mine: int, others: int) -> tuple[Case, list[int]]:
    make, same = PAIRS[name]
    golden = undisturbed(disk_world, SCENE)
    clock = LoopClock(1000.0)
    with disk_world(clock) as world:
        scene = Scene(world)
        actors = make(scene)
        duel = Duel((mine, others))
        answers = duel.fight(actors[::-1] if first else actors)
        wrong = [f"an actor ended with {a!r}" for a in answers if isinstance(a, BaseException) and not _fair(a)]
        scene.calm()
        wrong += world.violations()
        if same and world.ends() != golden.ends:
            wrong.append(f"I20: it ends elsewhere than undisturbed: {difference(golden.ends, world.ends())}")
    seed = f"pair:{name}:{first}.{mine}.{others}"
    return Case(seed, f"{name}, held up at points {mine} and {others}", tuple(wrong)), duel.points


def _fair(error: BaseException) -> bool:
    """To lose a lease or be refused is an answer."""
    return isinstance(error, LeaseLost | PenstockError)

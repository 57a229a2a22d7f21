"""Runs over real files on the photo pipeline's own tables, rolled back in turn, with a person's edits in between."""

from __future__ import annotations

import copy
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from penstock.engine import PIPELINES, failpoint
from penstock.engine.errors import PenstockError
from penstock.engine.settle import FRESH
from penstock.ledger import control, rollback
from penstock.ledger import models as m
from penstock.pipelines.photos.models import Photo
from penstock.review import gate
from tests.ledger.darkroom import Darkroom, pipeline
from tests.proof import throwaway
from tests.proof.machines import oracle
from tests.proof.machines.crashes import CRASHES, spec

EDITS = {"Caption": ("mine", "yours"), "Keywords": ("swan, pond",), "File_Name": ("Swan.JPG", "swan_001.JPG")}
Rows = dict[str, list[dict[str, Any]]]


class Rollbacks(RuleBasedStateMachine):
    """The model is a pile of pictures: how everything looked when each run began."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        place = self.stack.enter_context(throwaway.home().used())
        room = self.room = Darkroom(place)
        (place / "card").mkdir()
        self.stack.enter_context(mock.patch.dict(PIPELINES, {"photos": lambda run: pipeline(run, **room.overrides)}))
        self.cards = 0
        self.pile: list[tuple[str, Rows, dict[str, bytes]]] = []

    def teardown(self) -> None:
        """Everything is taken back, run by run, down to what the person brought."""
        try:
            if self._open():
                self.cancel()
            while self.pile:
                self.undo(None)
            assert [str(one) for one in self.room.wrong() if "synchronous" not in one.detail] == []
        finally:
            failpoint.disarm()
            self.stack.close()

    # -- what a person does ---------------------------------------------------------------------------------

    @precondition(lambda self: not self._open() and self.cards < 4)
    @rule(names=st.lists(st.sampled_from("a b c bad".split()), min_size=1, max_size=3, unique=True), move=st.booleans())
    def add(self, names: list[str], move: bool) -> None:
        """A card of originals; the same letter is the same picture. Nothing older is rolled back past it."""
        self.cards += 1
        self.room.add(" ".join(f"{name}-{self.cards}" for name in names), move=move, card=f"card/{self.cards}")
        self.pile.clear()

    @precondition(lambda self: not self._open() and len(self.pile) < 3)
    @rule()
    def start(self) -> None:
        """A run over the backlog; this is how things look before."""
        picture = (copy.deepcopy(self.room.rows(volatile=True)), self.room.tree())
        self.pile.append((self.room.start(), *picture))

    @precondition(lambda self: Photo.objects.filter(stage="review", state="waiting").exists())
    @rule(which=st.integers(0, 9), field=st.sampled_from(sorted(EDITS)), choice=st.integers(0, 1))
    def edit(self, which: int, field: str, choice: int) -> None:
        """A person changes a photo that waits."""
        waiting = list(
            Photo.objects.filter(stage="review", state="waiting").order_by("id").values_list("id", flat=True)
        )
        item, value = waiting[which % len(waiting)], EDITS[field][choice % len(EDITS[field])]
        with suppress(PenstockError):  # the name may be another photo's
            gate.edit("photo", item, {field: value}, who="ann", at=self.room.clock.wall())

    @precondition(lambda self: self._open())
    @rule()
    def cancel(self) -> None:
        """The run ends where it is."""
        control.cancel(self.room.run(self.pile[-1][0]), self.room.clock)
        self.room.drive(self.pile[-1][0])

    @precondition(lambda self: self.pile and not self._open())
    @rule(crash=CRASHES)
    def undo(self, crash: Any) -> None:
        """The newest run is rolled back, perhaps with a death in the middle: all is as before, but for what a person
        wrote on rows that stay."""
        run, rows, tree = self.pile.pop()
        kept = self._with_edits(rows)
        tree = self._begun_anew(kept, tree)
        self.room.survive(spec(crash), lambda: rollback.rollback(self.room.run(run), self.room.clock.wall(), "ann"))
        self.room.recover()
        assert self._plain(self.room.rows(volatile=True)) == self._plain(kept)
        assert self.room.tree() == tree

    # -- what a driver does ---------------------------------------------------------------------------------

    @precondition(lambda self: self._open())
    @rule(crash=CRASHES, steps=st.integers(1, 6))
    def work(self, crash: Any, steps: int) -> None:
        """A few batches."""
        run = self.pile[-1][0]
        self.room.survive(spec(crash), lambda: [self.room.step(run) for _ in range(steps)])

    @precondition(lambda self: self._open())
    @rule()
    def finish(self) -> None:
        """To the end."""
        self.room.drive(self.pile[-1][0])

    @invariant()
    def the_oracle_is_silent(self) -> None:
        """After every step."""
        assert oracle.quick(self.room.clock) == []

    # -- the model ------------------------------------------------------------------------------------------

    def _open(self) -> bool:
        return bool(self.pile) and bool(self.room.run(self.pile[-1][0]).open)

    def _with_edits(self, rows: Rows) -> Rows:
        """The picture, with what a person wrote since on rows that it shows."""
        rows = copy.deepcopy(rows)
        now = {row["id"]: row for row in self.room.rows(volatile=True)["photo"]}
        for row in rows["photo"]:
            there = now.get(row["id"])
            if there is not None and there["revision"] != row["revision"]:
                row |= {"edited": there["edited"], "revision": there["revision"]}
                row |= {name: there[name] for name in there["edited"]}
                self._hold_its_name(rows["name"], row)
        return rows

    def _begun_anew(self, rows: Rows, tree: dict[str, bytes]) -> dict[str, bytes]:
        """What was staged for a row was taken back when the run merged it into another: it comes back to be staged."""
        there = set(Photo.objects.values_list("id", flat=True))
        merged = {row["id"]: row for row in rows["photo"] if row["id"] not in there and row["stage"] != "stage_files"}
        tree = {path: data for path, data in tree.items() if path not in {f"data/working/{n}.jpg" for n in merged}}
        for effect in m.Effect.objects.filter(table="photo", item__in=list(merged), state="undone"):
            merged[effect.item] |= {**FRESH, "stage": "stage_files"}
            data = tree.pop(self._place(effect.target))
            tree |= {self._place(effect.source): data} if effect.kind == "move" else {}
        return tree

    def _place(self, path: str) -> str:
        return str(Path(path).relative_to(self.room.home))

    @staticmethod
    def _hold_its_name(names: list[dict[str, Any]], row: dict[str, Any]) -> None:
        """Nobody else gets the name that a person gave it, also where it had none then."""
        mine = [name for name in names if name["owner"] == row["id"]]
        for name in mine:
            name["name"] = row["File_Name"]
        if not mine and row["File_Name"]:
            names.append({"owner": row["id"], "name": row["File_Name"], "made_by": row["made_by"]})

    @staticmethod
    def _plain(rows: Rows) -> Any:
        """Without the keys that follow from a name."""
        names = sorted((row["owner"], row["name"], row["made_by"]) for row in rows["name"])
        return {**{table: found for table, found in rows.items() if table != "name"}, "name": names}

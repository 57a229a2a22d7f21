"""File names held by photos of two sites, and journaled copies and moves of their originals, cut off anywhere."""

from __future__ import annotations

import unicodedata
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from penstock.adapters import files as disk
from penstock.engine import failpoint
from penstock.engine.clock import VirtualClock
from penstock.engine.errors import ItemError, Refused, UsageError
from penstock.engine.ids import ProcessIdentity
from penstock.engine.pipeline import EffectPlan
from penstock.ledger import effects, rows, sweep
from penstock.ledger.store import DjangoLedger
from penstock.ledger.tx import commits, write
from penstock.oracle import effects as effect_family
from penstock.oracle import names as name_family
from penstock.pipelines.photos import namebook
from penstock.pipelines.photos.models import Photo, PhotoSet, ReservedName
from tests.proof import throwaway
from tests.proof.machines import oracle
from tests.proof.machines.crashes import CRASHES, spec

commits("proof.names", "proof.journal")
NAMES = ("Heron.JPG", "heron.JPG", "Héron.JPG", "HÉRON.JPG", "Heron_001.JPG", "HERON_001.JPG", "Héron_002.JPG")
BAD = (unicodedata.normalize("NFD", "Héron.JPG"), "con.JPG", "Heron.png", "two words.JPG", "Heron/1.JPG")
PHOTOS = st.integers(1, 6)
STAGE = SimpleNamespace(takes="photo", name="stage_files", effects=True)


@dataclass
class Original:
    """Where the bytes of a photo are: at home, or brought to a place."""

    home: Path
    data: bytes
    kind: str = ""  # copy or move, once it was brought
    place: Path | None = None


class Names(RuleBasedStateMachine):
    """The model: per site a book from folded names to photos; per photo where its bytes must be."""

    def __init__(self) -> None:
        from penstock.accounts.models import create_site

        super().__init__()
        self.stack = ExitStack()
        self.home = self.stack.enter_context(throwaway.home().used())
        self.clock = VirtualClock(1000.0)
        self.sites = [create_site("one", "photos"), create_site("two", "photos")]
        self.book: dict[tuple[int, str], tuple[int, str]] = {}
        self.said: dict[int, str] = dict.fromkeys(range(1, 7), "")
        self.originals: dict[int, Original] = {}
        for photo in range(1, 7):
            self._make(photo, self.sites[photo % 2])

    def _make(self, photo: int, site: Any) -> None:
        own, _ = PhotoSet.objects.get_or_create(site=site, folder="birds", location="pond", subject="Heron")
        home = self.home / "card" / f"{photo}.jpg"
        home.parent.mkdir(exist_ok=True)
        home.write_bytes(f"original {photo}".encode())
        self.originals[photo] = Original(home, home.read_bytes())
        Photo.objects.create(id=photo, ordinal=photo, site=site, set=own, stage="read_exif", source_path=str(home))

    def teardown(self) -> None:
        """All is undone; every original is where it was."""
        try:
            for photo in self.originals:
                self.undo(None, photo)
            assert all(one.home.read_bytes() == one.data for one in self.originals.values())
            assert not [path for path in (self.home / "incoming").rglob("*") if path.is_file()]
        finally:
            failpoint.disarm()
            self.stack.close()

    # -- names ----------------------------------------------------------------------------------------------

    @rule(photo=PHOTOS, name=st.sampled_from(NAMES), crash=CRASHES)
    def rename(self, photo: int, name: str, crash: Any) -> None:
        """A photo is given a name that no other of its site may be confused with."""
        site = self._site(photo)
        holder = self.book.get((site, _fold(name)))

        def rename() -> None:
            with write("proof.names") as cursor:
                given = namebook.rename(self._row(photo), name)
                rows.update_where(cursor, "photo", [photo], {"File_Name": given})

        told = self._cut(rename, crash)
        if told == "crash":
            self._believe(photo)
            return
        assert isinstance(told, Refused) == (holder is not None and holder[0] != photo), told
        if told is None:
            self._hold(photo, name)

    @rule(photo=PHOTOS, name=st.sampled_from(BAD))
    def misname(self, photo: int, name: str) -> None:
        """What some file system would not take is refused."""
        with write("proof.names"):
            told = self._cut(lambda: namebook.rename(self._row(photo), name), None)
        assert isinstance(told, UsageError)

    @rule(photo=PHOTOS, crash=CRASHES)
    def release(self, photo: int, crash: Any) -> None:
        """A rejected photo gives its name free."""

        def release() -> None:
            with write("proof.names"):
                namebook.release(self._row(photo))

        if self._cut(release, crash) == "crash":
            self._believe(photo)
        else:
            self._drop(photo)

    @rule(photo=PHOTOS, crash=CRASHES)
    def retake(self, photo: int, crash: Any) -> None:
        """It is taken back in: its name again, or another that is free."""
        had = self._held(photo)

        def retake() -> None:
            with write("proof.names") as cursor:
                changed = namebook.retake(self._row(photo))
                if changed:
                    rows.update_where(cursor, "photo", [photo], changed)

        told = self._cut(retake, crash)
        assert told in (None, "crash"), told
        self._believe(photo)
        if told is None:
            wanted = self.said[photo]
            assert bool(self._held(photo)) == bool(wanted or had)
            if had:
                assert self._held(photo) == had

    # -- originals ------------------------------------------------------------------------------------------

    @rule(photo=PHOTOS, kind=st.sampled_from(("copy", "move")), place=st.integers(0, 1), crash=CRASHES)
    def bring(self, photo: int, kind: str, place: int, crash: Any) -> None:
        """Planned, done, journaled; after a death recovery looks, and work does it again."""
        one = self.originals[photo]
        if one.kind:
            return
        target = self.home / "incoming" / str(self._site(photo)) / f"place-{place}.jpg"
        taken = any(other.place == target for other in self.originals.values())
        if self._cut(lambda: self._bring(photo, kind, target), crash) == "crash":
            sweep.recover(self._ledger())
            self._bring(photo, kind, target)
        if not taken:
            one.kind, one.place = kind, target

    def _bring(self, photo: int, kind: str, target: Path) -> None:
        run = SimpleNamespace(id="run-1")
        with write("proof.journal"):
            plans = [EffectPlan(photo, kind, str(self.originals[photo].home), str(target))]
            effects.plan(SimpleNamespace(stage=STAGE, run=run), plans)
        done, broken, sha = [photo], list[int](), ""
        try:
            sha = (disk.move_verified if kind == "move" else disk.copy_verified)(plans[0].source, target)["sha256"]
        except ItemError:
            done, broken = [], [photo]
        change = SimpleNamespace(item=photo, own={"content_hash": sha})
        with write("proof.journal") as cursor:
            plan: Any = SimpleNamespace(stage=STAGE, changes=[change], done=done, broken=broken)
            effects.settle(cursor, run.id, "photo", plan)
        effects.undo_pending()

    @precondition(lambda self: any(one.kind for one in self.originals.values()))
    @rule(photo=PHOTOS, crash=CRASHES)
    def undo(self, crash: Any, photo: int) -> None:
        """Everything that was done for a photo is taken back; a death is finished by recovery."""

        def undo() -> None:
            with write("proof.journal"):
                effects.mark_item_undoing("photo", photo)
            effects.undo_pending()

        if self._cut(undo, crash) == "crash":
            sweep.recover(self._ledger())
            undo()
        self.originals[photo].kind, self.originals[photo].place = "", None

    # -- what holds -----------------------------------------------------------------------------------------

    @invariant()
    def names_are_as_the_book_says(self) -> None:
        """One photo per folded name and site, and every photo that holds a name bears it."""
        found = {(r.site_id, _fold(r.name)): (r.owner, r.name) for r in ReservedName.objects.all()}
        assert found == self.book
        assert oracle.quick(self.clock, (name_family.check, effect_family.check)) == []

    @invariant()
    def every_original_is_where_it_must_be(self) -> None:
        """Its bytes, whole, at home unless it was moved, and at its place when it was brought."""
        for one in self.originals.values():
            if one.kind != "move":
                assert one.home.read_bytes() == one.data
            if one.place is not None:
                assert one.place.read_bytes() == one.data
        there = {path for path in (self.home / "incoming").rglob("*") if path.is_file()}
        assert there == {one.place for one in self.originals.values() if one.place}

    # -- the model ------------------------------------------------------------------------------------------

    def _cut(self, step: Any, crash: Any) -> Any:
        """Do it; answers "crash" or the refusal."""
        failpoint.arm(spec(crash, ("proof.", "ledger.", "files.")))
        try:
            step()
        except (Refused, UsageError) as error:
            return error
        except failpoint.SimulatedCrash:
            return "crash"
        finally:
            failpoint.disarm()
        return None

    def _believe(self, photo: int) -> None:
        """After a crash: what is committed, which must be the old or the new."""
        row, held = self._row(photo), ReservedName.objects.filter(owner=photo).first()
        self._drop(photo)
        if held is not None:
            assert (held.site_id, held.name) == (row["site_id"], row["File_Name"])
            self._hold(photo, held.name)

    def _hold(self, photo: int, name: str) -> None:
        self._drop(photo)
        place = (self._site(photo), _fold(name))
        assert place not in self.book, "two photos hold one name"
        self.book[place] = (photo, name)
        self.said[photo] = name

    def _drop(self, photo: int) -> None:
        self.book = {place: held for place, held in self.book.items() if held[0] != photo}

    def _held(self, photo: int) -> str:
        return next((name for owner, name in self.book.values() if owner == photo), "")

    def _site(self, photo: int) -> int:
        return int(self.sites[photo % 2].pk)

    def _row(self, photo: int) -> dict[str, Any]:
        return rows.read("photo", [photo])[0]

    def _ledger(self) -> DjangoLedger:
        return DjangoLedger(self.clock, ProcessIdentity.me())


def _fold(name: str) -> str:
    """The model's own comparison, for the names that are tried here."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))

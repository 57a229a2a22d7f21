"""What all targets for files do: the parts of an item below one place, wherever that is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from penstock.adapters.folder import conflict
from penstock.adapters.remote.wire import silent
from penstock.publish.outlets import Goods, Picture, View

LAST = "full"  # who sees the picture or the page finds what belongs to it


class Place(Protocol):
    """Where files lie; see `adapters.folder.Folder` and `adapters.remote.folder.RemoteFolder`."""

    @property
    def where(self) -> str: ...

    def make(self) -> None: ...

    def test(self) -> None: ...

    def look(self, path: str, only: int | None, told: Callable[[str], None], /) -> str: ...

    def put(
        self,
        source: Path,
        path: str,
        sha256: str,
        size: int,
        known: Collection[str],
        progress: Callable[[str], None],
        /,
    ) -> bool: ...

    def remove(self, path: str, known: Collection[str]) -> bool: ...

    def walk(self) -> Iterator[str]: ...


class FilesOutlet:
    """Files below a place."""

    rank = 0

    def __init__(self, place: Place) -> None:
        self._place = place

    def make(self) -> None:
        """Make the folder."""
        self._place.make()

    def test(self) -> str:
        """Write and remove a small file."""
        self._place.test()
        return f"{self._place.where} is there and can be written"

    def look(self, goods: Goods) -> View:
        """Any stranger makes it `other`; one that is missing or older makes it `ours`."""
        there = {part: self._seen(file, goods["known"], silent) for part, file in goods["files"].items()}
        wanted = {part: file["sha256"] for part, file in goods["files"].items()}
        strange = [there[p] for p in there if there[p] and there[p] not in (wanted[p], *goods["known"])]
        if strange:
            return "other"
        if not any(there.values()):
            return "absent"
        return "same" if there == wanted else "ours"

    def send(self, goods: Goods, progress: Callable[[str], None]) -> tuple[bool, dict[str, Any]]:
        """Every part, the one that is looked for last; none when the name of one is somebody else's."""
        self._refuse_strange(goods, progress)
        changed = False
        for part in _in_order(goods):
            file = goods["files"][part]
            put = self._place.put(
                Path(file["source"]), file["path"], file["sha256"], file["size"], goods["known"], progress
            )
            changed = put or changed
            progress(f"{part} {'written' if put else 'is there'}")
        return changed, {"files": {part: _written(goods, part) for part in _in_order(goods)}}

    def withdraw(self, goods: Goods) -> bool:
        """Every part; none when one of them is somebody else's."""
        self._refuse_strange(goods, silent)
        known = [*goods["known"], *(file["sha256"] for file in goods["files"].values())]
        gone = [self._place.remove(file["path"], known) for file in goods["files"].values()]
        return any(gone)

    def strangers(self, receipts: Collection[Mapping[str, Any]]) -> list[str]:
        """Files below the place that no receipt names."""
        ours = {file["path"] for receipt in receipts for file in receipt["files"].values()}
        return [path for path in self._place.walk() if path not in ours]

    def _seen(self, file: Picture, known: Collection[str], progress: Callable[[str], None]) -> str:
        """What is there; a file that cannot be ours by its size is not read for it."""
        return self._place.look(file["path"], None if known else file["size"], progress)

    def _refuse_strange(self, goods: Goods, progress: Callable[[str], None]) -> None:
        for file in goods["files"].values():
            there = self._seen(file, goods["known"], progress)
            if there and there not in (file["sha256"], *goods["known"]):
                raise conflict(f"{self._place.where}/{file['path']}")


def _in_order(goods: Goods) -> list[str]:
    return sorted(goods["files"], key=lambda part: part == LAST)


def _written(goods: Goods, part: str) -> dict[str, Any]:
    file = goods["files"][part]
    return {"path": file["path"], "sha256": file["sha256"], "size": file["size"]}

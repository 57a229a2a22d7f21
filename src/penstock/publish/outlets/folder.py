"""Target kind `folder`: a folder on this machine, a mounted share, the document root of a web server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from penstock.adapters.folder import Folder, conflict
from penstock.engine.errors import UsageError
from penstock.publish.outlets import Goods, View, no_more_options

ORDER = ("thumb", "full")  # who sees the picture finds its thumbnail


class FolderOutlet:
    """Files below a folder. `url` is its absolute path."""

    rank = 0

    def __init__(self, url: str, options: Mapping[str, Any], _secret: str = "") -> None:
        self._folder = Folder(Path(url))

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """A path or file:// URL as an absolute path."""
        no_more_options(options)
        parts = urlsplit(url)
        if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
            return str(Path(unquote(parts.path)))
        if "://" in url or not url.strip():
            raise UsageError(f"{url!r} is no folder; give a path or file:///path")
        return str(Path(url).expanduser().absolute())

    def make(self) -> None:
        """Make the folder."""
        self._folder.make()

    def test(self) -> str:
        """Write and remove a small file."""
        self._folder.test()
        return f"{self._folder.root} is there and can be written"

    def look(self, goods: Goods) -> View:
        """Any stranger makes it `other`; one that is missing or older makes it `ours`."""
        there = {part: self._folder.look(file["path"]) for part, file in goods["files"].items()}
        wanted = {part: file["sha256"] for part, file in goods["files"].items()}
        strange = [there[p] for p in there if there[p] and there[p] not in (wanted[p], *goods["known"])]
        if strange:
            return "other"
        if not any(there.values()):
            return "absent"
        return "same" if there == wanted else "ours"

    def send(self, goods: Goods, progress: Callable[[str], None]) -> tuple[bool, dict[str, Any]]:
        """Thumbnail, then picture; neither when the name of one is somebody else's."""
        self._refuse_strange(goods)
        changed = False
        for part in ORDER:
            file = goods["files"][part]
            put = self._folder.put(Path(file["source"]), file["path"], file["sha256"], file["size"], goods["known"])
            changed = put or changed
            progress(f"{part} {'written' if put else 'is there'}")
        return changed, {"files": {part: _written(goods, part) for part in ORDER}}

    def withdraw(self, goods: Goods) -> bool:
        """Picture and thumbnail; neither when one of them is somebody else's."""
        self._refuse_strange(goods)
        known = [*goods["known"], *(file["sha256"] for file in goods["files"].values())]
        gone = [self._folder.remove(file["path"], known) for file in goods["files"].values()]
        return any(gone)

    def strangers(self, receipts: Collection[Mapping[str, Any]]) -> list[str]:
        """Files below the folder that no receipt names."""
        ours = {file["path"] for receipt in receipts for file in receipt["files"].values()}
        return [path for path in self._folder.walk() if path not in ours]

    def _refuse_strange(self, goods: Goods) -> None:
        for file in goods["files"].values():
            there = self._folder.look(file["path"])
            if there and there not in (file["sha256"], *goods["known"]):
                raise conflict(self._folder.root / file["path"])


def _written(goods: Goods, part: str) -> dict[str, Any]:
    file = goods["files"][part]
    return {"path": file["path"], "sha256": file["sha256"], "size": file["size"]}

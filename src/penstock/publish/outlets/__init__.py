"""What every kind of target answers. Outlets run in a child or under a verb: no Django here."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, NotRequired, Protocol, TypedDict, cast

from penstock.engine.errors import UsageError

View = Literal["absent", "same", "ours", "other"]
"""What stands at the place of some goods: nothing, exactly them, something of ours, somebody else's."""


class Picture(TypedDict):
    """One file: `path` on the target, `source` here, and what it holds ("" and 0 when it is not rendered yet)."""

    path: str
    source: str
    sha256: str
    size: int


class Goods(TypedDict):
    """What goes to a target. `known` are marks of what we put there before: hashes of files, or whole rows. `id` is the
    number that the row has, or shall have, where that is known."""

    files: dict[str, Picture]
    row: dict[str, Any]
    known: list[Any]
    id: NotRequired[int]


class Outlet(Protocol):
    """One target. Every method reads before it writes, so repeating it changes nothing.

    All raise ItemError `conflict` rather than touch what is not ours, Transient for the moment's trouble, Unavailable
    when the target cannot be reached or refuses everybody."""

    rank: int

    @staticmethod
    def address(url: str, options: Mapping[str, Any]) -> str:
        """The URL as it is stored. Raises UsageError for one that cannot be, or for unknown options."""

    def make(self) -> None:
        """Make the place itself where that is ours to do."""

    def test(self) -> str:
        """Try to write; a sentence that says what was found."""

    def look(self, goods: Goods) -> View:
        """What stands there; writes nothing."""

    def send(self, goods: Goods, progress: Callable[[str], None]) -> tuple[bool, dict[str, Any]]:
        """Bring the goods there; whether anything changed, and the receipt."""

    def withdraw(self, goods: Goods) -> bool:
        """Take back what is ours; False when nothing was there. All or nothing when something is not ours."""

    def strangers(self, receipts: Collection[Mapping[str, Any]]) -> list[str]:
        """What stands on the target without one of these receipts."""


def opened(maker: str, url: str, options: Mapping[str, Any], secret: str = "") -> Outlet:
    """The outlet at an address; `secret` is its password, for the kinds that take one."""
    outlet: Outlet = found(maker)(url, options, secret) if secret else found(maker)(url, options)
    return outlet


def session_key(url: str, options: Mapping[str, Any], secret: str) -> str:
    """By what a session is known that may serve one outlet after the other. The password is not readable in it."""
    whole = json.dumps([url, dict(options), secret], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def found(maker: str) -> Any:
    """The outlet's class, named as "module:class"."""
    module, _, name = maker.partition(":")
    return getattr(importlib.import_module(module), name)


def from_receipt(receipt: Mapping[str, Any], known: list[Any]) -> Goods:
    """The goods that a receipt is for, to look at them or to take them back."""
    files = {part: cast(Picture, {"source": "", **file}) for part, file in receipt.get("files", {}).items()}
    return Goods(files=files, row=dict(receipt.get("row", {})), known=known, id=receipt.get("id", 0))


def no_more_options(options: Mapping[str, Any], *allowed: str) -> None:
    """Raise UsageError for an option that the kind does not have."""
    unknown = sorted(set(options) - set(allowed))
    if unknown:
        has = f"it has {', '.join(allowed)}" if allowed else "it has none"
        raise UsageError(f"option {unknown[0]}: this kind of target has no such option; {has}")

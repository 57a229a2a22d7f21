"""Lines of an FTP server's listings. What they say is data from outside. Pure."""

from __future__ import annotations

import re

from penstock.adapters.remote.wire import Entry

_PEOPLE = re.compile(r"([-dlbcps])[-rwxsStTl]{9}[.+@]?\s+\d+\s+\S+\s+\S+\s+(\d+)\s+\w{3}\s+\d+\s+[\d:]+ (.+)")
_OF_TYPE = {"file": "file", "dir": "folder"}


def machine_line(line: str) -> tuple[str, Entry] | None:
    """A line of MLSD (RFC 3659); None for the folder itself and the one above."""
    facts, _, name = line.partition(" ")
    kind, size = _facts(facts)
    if kind in ("cdir", "pdir") or name in ("", ".", ".."):
        return None
    return name, _entry(_OF_TYPE.get(kind, "other"), size)


def machine_entry(line: str) -> Entry:
    """What MLST says of one path."""
    kind, size = _facts(line.partition(" ")[0])
    return _entry("folder" if kind in ("cdir", "pdir") else _OF_TYPE.get(kind, "other"), size)


def people_line(line: str) -> tuple[str, Entry] | None:
    """A line of LIST as Unix servers print it; None for what is no entry."""
    found = _PEOPLE.fullmatch(line)
    if found is None or found[3] in (".", ".."):
        return None
    kind = {"-": "file", "d": "folder"}.get(found[1], "other")
    return found[3].partition(" -> ")[0] if found[1] == "l" else found[3], _entry(kind, found[2])


def _facts(facts: str) -> tuple[str, str]:
    known = {key.lower(): value for key, _, value in (fact.partition("=") for fact in facts.split(";"))}
    return known.get("type", "").lower(), known.get("size", "0")


def _entry(kind: str, size: str) -> Entry:
    if kind == "file":
        return Entry("file", int(size) if size.isascii() and size.isdigit() else 0)
    return Entry("folder") if kind == "folder" else Entry("other")

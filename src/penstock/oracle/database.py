"""The health of an SQLite file: the journal that the settings ask for, whole pages, foreign keys that lead on."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from penstock import settings
from penstock.oracle.violation import Look, Violation, ask

RESTORE = "penstock db restore FILE (your newest backup)"
SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


def check(look: Look) -> Iterator[Violation]:
    """Nothing for other databases: they look after themselves."""
    if connection.vendor == "sqlite":
        yield from _modes()
        yield from _pages(look)
        yield from _keys()


def _modes() -> Iterator[Violation]:
    mode, sync = str(ask("PRAGMA journal_mode")[0][0]).upper(), int(ask("PRAGMA synchronous")[0][0])
    wanted, least = ("WAL", 2) if settings.WAL else ("DELETE", 3)
    if mode != wanted:
        detail = f"its journal mode is {mode} instead of {wanted}: a power cut could lose what was acknowledged"
        yield Violation("sqlite", "database", detail, "stop every program that uses the file, then penstock doctor")
    if sync < least:
        detail = f"synchronous is {SYNCHRONOUS.get(sync, sync)} instead of {SYNCHRONOUS[least]}"
        yield Violation("sqlite", "database", detail, "remove whatever changes it from the settings")


def _pages(look: Look) -> Iterator[Violation]:
    for (text,) in ask(f"PRAGMA {'integrity_check' if look.deep else 'quick_check'}(20)"):
        if text != "ok":
            yield Violation("sqlite", "database", f"it is damaged: {text}", RESTORE)


def _keys() -> Iterator[Violation]:
    for table, row, parent, _ in ask("PRAGMA foreign_key_check"):
        yield Violation("sqlite", f"{table} {row}", f"it points to a row of {parent} that is not there", RESTORE)

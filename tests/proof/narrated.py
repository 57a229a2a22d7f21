"""A home's story, told by real processes while strace listens: `python -m tests.proof.narrated ROOT JOURNAL STORY`.

Each chapter is one `penstock` process. After every commit of the ledger, and when a process has ended well, a line is
added to ROOT/marks: from there on its facts are acknowledged, and no loss of power may take them back.
JOURNAL is `delete`, `wal`, or for the test of this test `wal-normal` or `wal-off`; users have no such choice.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

JOURNALS = {
    "delete": "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA",
    "wal": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
    "wal-normal": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    "wal-off": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
}
ALL = ("start", "run", "rollback", "again", "approve", "publish", "unpublish")
SOME = ("at_once", "approve_all", "publish")
STORIES = {"all": ALL, "some": SOME}
SITE = "demo"


def main() -> None:
    """The whole story."""
    root, journal, length = sys.argv[1:]
    seen: dict[str, Any] = {}
    for chapter in STORIES[length]:
        for words in _words(chapter, seen, root, journal):
            seen = _penstock(root, journal, *words)
        _mark(root, {"chapter": chapter})


def _words(chapter: str, seen: dict[str, Any], root: str, journal: str) -> list[list[str]]:
    if chapter in ("start", "again"):
        more = [["up", "--once"]] if chapter == "again" else []
        return [["run", SITE, "--detach"], *more]
    if chapter == "rollback":
        return [["rollback", seen["runs"][0]["run_id"]]]
    if chapter == "approve":
        items = [str(one["id"]) for one in _penstock(root, journal, "review", "list", SITE)["items"]]
        return [["review", "reject", SITE, items[-1], "--reason", "blurred"], ["review", "approve", SITE, *items[:-1]]]
    if chapter == "unpublish":
        return [["unpublish", SITE, str(seen["rows"][0]["id"])]]
    return {
        "run": [["up", "--once"]],
        "at_once": [["run", SITE]],
        "approve_all": [["review", "approve", SITE, "--all", "--count", "4"]],
        "publish": [["publish", SITE]],
    }[chapter]


def _penstock(root: str, journal: str, *words: str) -> dict[str, Any]:
    me = [sys.executable, "-c", f"from tests.proof.narrated import narrate; narrate({root!r}, {journal!r})"]
    done = subprocess.run([*me, "--json", *words], capture_output=True, text=True, timeout=120)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"penstock {' '.join(words)}: {done.stdout[-500:]} {done.stderr[-3000:]}")
    return dict(json.loads(done.stdout)) if done.stdout.strip() else {}


def prepare(root: str, journal: str) -> None:
    """Before the story: a photo site with two sets, of which the second is moved."""
    os.environ["PENSTOCK_HOME"] = str(Path(root) / "home")
    with_journal(journal)
    from penstock import boot, config

    boot.start(config.load())
    from penstock.accounts.models import create_site
    from penstock.engine.clock import SystemClock
    from penstock.pipelines.photos import intake

    site, at = create_site(SITE, "photos"), SystemClock().wall()
    for card, folder, subject in (("one", "nature", "Grey heron"), ("two", "birds", "Coot")):
        words = {"folder": folder, "location": "Gouda_Netherlands", "subject": subject}
        intake.add(site, Path(root) / "source" / card, confirm=lambda _: True, at=at, move=card == "two", **words)


def narrate(root: str, journal: str) -> None:
    """Be one `penstock` process: the program as it is, with its commits marked."""
    os.environ["PENSTOCK_HOME"] = str(Path(root) / "home")
    with_journal(journal)
    from penstock.cli.main import main as penstock
    from penstock.engine import failpoint

    failpoint.declare("ledger.after_commit")
    failpoint.arm_call("ledger.after_commit", lambda _name, _context: _mark(root, facts()))
    penstock()


def with_journal(journal: str) -> None:
    """Before Django starts: what this process's SQLite connections begin with."""
    from penstock import settings

    settings.WAL = journal != "delete"
    settings.JOURNAL = JOURNALS[journal]
    settings.DATABASES["default"]["OPTIONS"]["init_command"] = f"{JOURNALS[journal]}; PRAGMA foreign_keys=ON"


def facts() -> dict[str, Any]:
    """The last event and the last decision, as they are committed."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT id, at, kind, moves, lines FROM ledger_event ORDER BY id DESC LIMIT 1")
        event = cursor.fetchone()
        cursor.execute("SELECT id, at, verdict, item FROM review_decision ORDER BY id DESC LIMIT 1")
        decision = cursor.fetchone()
    return {"event": plain(event), "decision": plain(decision)}


def plain(row: Any) -> list[Any] | None:
    return None if row is None else [row[0], *map(str, row[1:])]


def _mark(root: str, fact: dict[str, Any]) -> None:
    with (Path(root) / "marks").open("ab", buffering=0) as stream:
        stream.write(json.dumps(fact).encode() + b"\n")


if __name__ == "__main__":
    main()

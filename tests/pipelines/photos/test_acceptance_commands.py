"""Wrong input to every command for photos: one clear sentence, the right exit code, and nothing is written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import call
from tests.pipelines.photos import rows

CONTROL, LONG, HUGE = "a\x1b[31mb\nc", "x" * 5000, "9" * 30
LATIN = os.fsdecode(b"caf\xe9")  # as an argument of a terminal that does not write UTF-8
NOT_KNOWN, WRONG, REFUSED = 3, 2, 4
ADD = ("photos", "add", "{photos}", "--yes", "--site", "demo")
SET = {"--folder": "nature", "--location": "Gouda_Netherlands", "--subject": "Grey heron"}
TARGET = ("target", "add", "demo")

Case = tuple[int, tuple[str, ...]]


def _unknown(name: str) -> int:
    """The exit code of a name that nothing has: what is no UTF-8 is no name at all."""
    return WRONG if name == LATIN else NOT_KNOWN


def _sites() -> Iterator[Case]:
    for name in ("", " ", "Alps", "a b", "../up", CONTROL, LATIN, LONG, "-", "a/b", "ümlaut", "."):
        yield WRONG, ("site", "create", "--pipeline", "photos", "--", name)
    yield WRONG, ("site", "create")
    yield WRONG, ("site", "create", "demo", "--pipeline", "photos")
    yield WRONG, ("site", "create", "new")
    for pipeline in ("", "publish", "scenes", CONTROL, LATIN, LONG):
        yield WRONG, ("site", "create", "new", "--pipeline", pipeline)
    for zone in ("", "Mars/Base", "../../etc/passwd", "/etc/localtime", CONTROL, LATIN, LONG, "Europe"):
        yield WRONG, ("site", "create", "new", "--pipeline", "photos", "--timezone", zone)
        yield WRONG, ("site", "set", "demo", f"timezone={zone}")
    for account in (CONTROL, LATIN, LONG, ""):
        yield WRONG, ("site", "create", "new", "--pipeline", "photos", "--account", account)
    for change in ("", "=", "=5", "colour=red", "keywords_count", CONTROL, LATIN, f"{LATIN}=1", LONG):
        yield WRONG, ("site", "set", "demo", "--", change)
    for key in (
        "keywords_count",
        "stage_2_batch_size",
        "max_megapixels",
        "child_memory_mb",
        "quality",
        "caption_tries",
    ):
        for value in ("-1", HUGE, "many", "1e999", "nan", "5.5", LATIN, CONTROL):
            yield WRONG, ("site", "set", "demo", f"{key}={value}")
    for value in ("nan", "inf", "-inf", "-1", HUGE, "soon"):
        yield WRONG, ("site", "set", "demo", f"within_stage_delay={value}")
    for change in ("full_size=1500", "full_size=0x0", "thumb_size=9x", f"full_size={HUGE}x{HUGE}", "overlap=perhaps"):
        yield WRONG, ("site", "set", "demo", change)
    yield WRONG, ("site", "set", "demo", "keywords_count=11", "quality=1")
    yield WRONG, ("site", "set", "demo", "caption_provider=ollama")
    for change in (f"watermark={LATIN}", f"watermark={LONG}", f"public_url_base={LATIN}", f"nima_weights={LATIN}"):
        yield WRONG, ("site", "set", "demo", change)


def _photos() -> Iterator[Case]:
    good = [word for pair in SET.items() for word in pair]
    for option in SET:
        for value in ("", "  ", "***", CONTROL, LATIN, LONG):
            given = [word for pair in {**SET, option: value}.items() for word in pair]
            yield WRONG, (*ADD, *given)
        yield WRONG, (*ADD, *[word for name, value in SET.items() if name != option for word in (name, value)])
    for place in (
        "{photos}/none",
        "{empty}",
        "{photos}/none.jpg",
        LATIN,
        "/dev/null",
        "",
        LONG,
    ):
        yield WRONG, ("photos", "add", *ADD[3:], *good, "--", place)
    yield WRONG, ("photos", "add", "{photos}", "--site", "demo", *good[:1], "meadow", *good[2:])
    yield NOT_KNOWN, (*ADD[:-1], "none", *good)


def _runs() -> Iterator[Case]:
    for number in ("0", "-5", "many", "1.5", "", LATIN):
        yield WRONG, ("run", "demo", "--sample", number)
    yield WRONG, ("run",)
    yield WRONG, ("publish", "demo", "extra")
    for words in (("run",), ("publish",), ("reconcile",), ("review", "list"), ("taxonomy", "list"), ("target", "list")):
        for name in ("none", CONTROL, LATIN, LONG, ""):
            yield _unknown(name), (*words, "--", name)
    for target in ("none", LATIN, CONTROL, ""):
        yield _unknown(target), ("publish", "demo", "--target", target)
    for verb in ("pause", "resume", "cancel", "retry", "rollback", "verify"):
        for run in ("none", LATIN, CONTROL, LONG):
            yield _unknown(run), (verb, "--", run)


def _reviews() -> Iterator[Case]:
    for item in ("0", "-1", "one", "1.0", "", LATIN):
        for verb in (("show",), ("edit",), ("approve",), ("reject", "--reason", "x"), ("reopen",)):
            yield WRONG, ("review", *verb, "--", "demo", item)
    for code, item in ((NOT_KNOWN, "987654"), (WRONG, HUGE)):
        for words in (("show",), ("edit", "--caption", "A heron in the reeds of Gouda."), ("approve",)):
            yield code, ("review", *words, "demo", item)
        yield code, ("review", "reject", "demo", item, "--reason", "blurred")
        yield code, ("unpublish", "demo", item)
    for status in ("Pnding", "", LATIN, CONTROL, LONG):
        yield WRONG, ("review", "list", "demo", "--status", status)
    for limit in ("0", "-1", "x"):
        yield WRONG, ("review", "list", "demo", "--limit", limit)
    yield WRONG, ("review", "edit", "demo", "{id}")
    for option in ("--caption", "--alt", "--keywords", "--filename", "--subject"):
        for value in (LATIN, LONG * 20):
            yield WRONG, ("review", "edit", "demo", "{id}", option, value)
    for name in ("", "a.png", "noname", "../../x.JPG", "a b.JPG", CONTROL, ".JPG", "con.JPG/"):
        yield WRONG, ("review", "edit", "demo", "{id}", "--filename", name)
    for reason in ("", "   ", LATIN):
        yield WRONG, ("review", "reject", "demo", "{id}", "--reason", reason)
    yield WRONG, ("review", "approve", "demo")
    yield WRONG, ("review", "approve", "demo", "{id}", "--all")
    yield REFUSED, ("review", "approve", "demo", "--all", "--count", "5")
    for file in (
        "{photos}/none.csv",
        "{photos}",
        "{photos}/latin.csv",
        "{photos}/bytes.csv",
        "{photos}/empty.csv",
        LATIN,
    ):
        yield WRONG, ("review", "import", "demo", "--", file)
    for file in ("{photos}", "{photos}/none/x.csv"):
        yield WRONG, ("review", "export", "demo", file)


def _targets() -> Iterator[Case]:
    url = "file:///tmp/penstock-nowhere"
    for name in ("", " ", "a b", "../x", CONTROL, LATIN, LONG, "site"):
        yield WRONG, (*TARGET, "--kind", "folder", "--url", url, "--", name)
    for kind in ("", "carrier-pigeon", LATIN, CONTROL, LONG):
        yield WRONG, (*TARGET, "new", "--kind", kind, "--url", url)
    for address in ("", CONTROL, LATIN, "http://x.test/", "file://other.test/x", "a\0b"):
        yield WRONG, (*TARGET, "new", "--kind", "folder", "--url", address)
    for option in ("", "=", "=x", "novalue", "password=1", "colour=red", f"{LATIN}=1"):
        yield WRONG, (*TARGET, "new", "--kind", "folder", "--url", url, "--option", option)
    yield WRONG, (*TARGET, "new", "--kind", "folder", "--url", url, "--secret-file", "{photos}/none")
    yield WRONG, TARGET
    for verb in ("test", "remove"):
        for name in ("none", LATIN, CONTROL, ""):
            yield _unknown(name), ("target", verb, "--", "demo", name)


def _taxa() -> Iterator[Case]:
    for key in ("", "  ", CONTROL, LATIN, LONG, "nature", "***"):
        yield WRONG, ("taxonomy", "add", "--", "demo", "folder", key)
    for name in (CONTROL, LATIN, LONG):
        yield WRONG, ("taxonomy", "add", "demo", "folder", "woods", "--name", name)
    for name in ("", " ", CONTROL, LATIN, LONG):
        yield WRONG, ("taxonomy", "rename", "--", "demo", "folder", "nature", name)
    for kind in ("", "camera", LATIN):
        yield WRONG, ("taxonomy", "add", "--", "demo", kind, "woods")
    for key in ("none", LATIN, CONTROL):
        yield (NOT_KNOWN if key == "none" else WRONG), ("taxonomy", "rename", "--", "demo", "folder", key, "Name")
        yield (NOT_KNOWN if key == "none" else WRONG), ("taxonomy", "merge", "--", "demo", "folder", key, "nature")
        yield (NOT_KNOWN if key == "none" else WRONG), ("taxonomy", "merge", "--", "demo", "folder", "nature", key)
    yield WRONG, ("taxonomy", "merge", "demo", "folder", "nature", "nature")


FAMILIES = {
    "site": _sites, "photos": _photos, "run": _runs, "review": _reviews, "target": _targets, "taxonomy": _taxa,
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_wrong_input_is_refused_in_one_sentence_and_writes_nothing(
    family: str, ledger_home: Path, tmp_path: Path
) -> None:
    places = _places(tmp_path)
    places["id"] = rows.waiting(rows.site()).id
    before, wrong = _everything(ledger_home), []
    for code, words in FAMILIES[family]():
        filled = [word.format(**places) if word.startswith("{") else word for word in words]
        wrong += [f"{_short(words)}: {fault}" for fault in _faults(code, filled)]
        now = _everything(ledger_home)
        if now != before:
            changed = sorted({str(key) for key, _ in set(now.items()) ^ set(before.items())})
            wrong.append(f"{_short(words)}: wrote {changed}")
            before = now
    assert wrong == []


def _faults(code: int, words: list[str]) -> Iterator[str]:
    called = call(*words)
    said = called.err.strip()
    if called.code != code:
        yield f"exit {called.code}, not {code}: {said[:160]!r} {called.out[:80]!r}"
    elif len(said.splitlines()) != 1 or not said.replace("\n", "").isprintable():
        yield f"said {said[:200]!r}"
    elif len(said) > 600:
        yield f"said {len(said)} characters"
    if called.out:
        yield f"printed {called.out[:80]!r}"


def _places(folder: Path) -> dict[str, Any]:
    photos, empty = folder / "photos", folder / "empty"
    photos.mkdir()
    empty.mkdir()
    (photos / "a.jpg").write_bytes(b"never opened")
    (photos / "latin.csv").write_bytes(b"id;caption\n1;caf\xe9\n")
    (photos / "bytes.csv").write_bytes(bytes(range(256)))
    (photos / "empty.csv").write_bytes(b"")
    return {"photos": str(photos), "empty": str(empty)}


def _everything(home: Path) -> dict[str, str]:
    """Each table's rows and each file's bytes, as hashes."""
    found = {}
    with closing(sqlite3.connect(home / "data" / "review.db")) as base:
        tables = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            found[table] = sha256(repr(base.execute(f'SELECT * FROM "{table}"').fetchall()).encode()).hexdigest()
    for file in home.rglob("*"):
        if file.is_file() and not file.name.startswith("review.db") and file.suffix != ".lock":
            found[str(file.relative_to(home))] = sha256(file.read_bytes()).hexdigest()
    return found


def _short(words: tuple[str, ...]) -> str:
    return " ".join(repr(word[:30]) if not word.isprintable() or not word else word[:40] for word in words)

"""I7: the files that rows and journal speak of are there, where they say, with the bytes they say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.adapters.files import sha256_of
from penstock.engine.errors import ItemError
from penstock.ledger import EFFECTS, rows
from penstock.ledger import models as m
from penstock.oracle.violation import MOST, Look, Violation, ask, name, pages
from penstock.pipelines.photos.models import Photo

EFFECT, ARTEFACT, RUN, BATCH = (rows.quoted(x) for x in (m.Effect, m.Artefact, m.Run, m.Batch))
TABLE = name("table")


def check(look: Look) -> Iterator[Violation]:
    """Artefacts, journaled originals, photos without a journal."""
    yield from _bounded(_artefacts(look))
    yield from _bounded(_originals(look))
    yield from _unjournaled(look)


def _bounded(found: Iterator[Violation]) -> Iterator[Violation]:
    for n, violation in enumerate(found):
        if n == MOST:
            return
        yield violation


def _of_site(look: Look, alias: str) -> str:
    return "1=1" if look.site is None else f"{alias}.run IN (SELECT id FROM {RUN} WHERE {look.only()})"


def _artefacts(look: Look) -> Iterator[Violation]:
    """The newest word on each path counts: a stage that is done again writes the same place."""
    newer = f"SELECT 1 FROM {ARTEFACT} o WHERE o.{TABLE}=a.{TABLE} AND o.item=a.item AND o.path=a.path AND o.id>a.id"
    sql = f"SELECT a.id, a.path, a.size{', a.sha256' if look.files else ''} FROM {ARTEFACT} a"
    sql += f" WHERE {_of_site(look, 'a')} AND NOT EXISTS ({newer}) AND a.id>%s"
    for page in pages(sql):
        for artefact, path, size, *sha in page:
            if not _has_size(path, size) or sha:
                yield from _look_closer(artefact, path, size, *sha)


def _has_size(path: str, size: int) -> bool:
    try:
        return os.stat(path).st_size == size
    except OSError:
        return False


def _look_closer(artefact: int, path: str, size: int, sha: str = "") -> Iterator[Violation]:
    wrong = _wrong(path, size, sha)
    if wrong:
        ((table, item, work, batch),) = ask(
            f"SELECT {TABLE}, item, work, batch FROM {ARTEFACT} WHERE id=%s", [artefact]
        )
        if os.path.exists(work):
            wrong = "" if _open(batch) else f"{path} was never put in its place: it lies at {work}"
    if wrong:
        mend = "penstock recover; when it stays: penstock retry RUN --stage N"
        yield Violation("I7", f"{table} {item}", wrong, mend)


def _wrong(path: str, size: int | None, sha: str) -> str:
    try:
        found = os.stat(path)
    except OSError:
        return f"its file {path} is not there"
    if size is not None and found.st_size != size:
        return f"its file {path} holds {found.st_size} bytes instead of {size}"
    return _other_bytes(path, sha) if sha else ""


def _other_bytes(path: str, sha: str) -> str:
    try:
        found = sha256_of(path)
    except ItemError as error:
        return str(error)
    return "" if found == sha else f"its file {path} holds other bytes ({found[:12]}… instead of {sha[:12]}…)"


def _open(batch: int) -> bool:
    return bool(ask(f"SELECT 1 FROM {BATCH} b WHERE b.id=%s AND b.{name('open')}", [batch]))


def _originals(look: Look) -> Iterator[Violation]:
    """What the journal calls done shows in the world. Again the newest word on a place counts."""
    newer = f"SELECT 1 FROM {EFFECT} o WHERE o.{TABLE}=e.{TABLE} AND o.item=e.item AND o.target=e.target AND o.id>e.id"
    sql = f"SELECT e.id, e.kind, e.source, e.target, e.mark FROM {EFFECT} e WHERE e.state='done'"
    sql += f" AND {_of_site(look, 'e')} AND NOT EXISTS ({newer}) AND e.id>%s"
    for page in pages(sql):
        for effect, kind, source, target, mark in page:
            doer: Any = EFFECTS.get(kind)
            if look.files or doer is None or not doer.happened(source, target, mark):
                wrong = _not_done(kind, source, target, mark, files=look.files)
                if wrong:
                    ((table, item),) = ask(f"SELECT {TABLE}, item FROM {EFFECT} WHERE id=%s", [effect])
                    yield Violation("I7", f"{table} {item}", wrong, "put the file back, then penstock recover")


def _not_done(kind: str, source: str, target: str, mark: str, *, files: bool) -> str:
    doer: Any = EFFECTS.get(kind)
    if doer is None:
        return f"the journal names the effect {kind!r}, which this version does not know"
    if not doer.happened(source, target, mark):
        there = [place for place in (source, target) if Path(place).is_file()]
        places = " and ".join(there) or "neither"
        return f"its {kind} from {source} to {target} is journaled as done; the file is at {places}"
    return _other_bytes(target, mark) if files and mark else ""


def _unjournaled(look: Look) -> Iterator[Violation]:
    """A photo whose bytes are known was staged (unless it is to be again), and the journal of some run says so."""
    sql = f"SELECT p.id, p.staged_path FROM {rows.quoted(Photo)} p"
    sql += f" WHERE p.content_hash<>'' AND p.stage<>'stage_files' AND {look.only('p.site_id')}"
    sql += f" AND NOT EXISTS (SELECT 1 FROM {EFFECT} e WHERE e.{TABLE}='photo' AND e.item=p.id AND e.state='done'"
    for photo, path in ask(sql + " AND e.target=p.staged_path AND e.mark=p.content_hash)"):
        detail = f"its original should lie at {path or 'a staged place'}, but no journal says that it was brought there"
        yield Violation("I7", f"photo {photo}", detail, "penstock retry RUN --stage 2")

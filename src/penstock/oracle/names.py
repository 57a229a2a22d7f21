"""I4, I5: a file name is held once under the strictest comparison, by the one photo that bears it."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ledger import rows
from penstock.oracle.violation import MOST, Look, Violation, ask, pages
from penstock.pipelines.photos import names
from penstock.pipelines.photos.models import Photo, ReservedName

PHOTO, NAME = rows.quoted(Photo), rows.quoted(ReservedName)
COLUMN = rows.column(Photo, "File_Name")
NAMED = "('score', 'resize_for_model', 'caption', 'review')"  # the stages after the one that gives the name
KEY = f"n.{rows.column(ReservedName, 'key')}"
MEND = "penstock review edit SITE ITEM --filename NAME"


def check(look: Look) -> Iterator[Violation]:
    """Keys, owners, and what photos say."""
    yield from _folded(look)
    yield from _twice(look)
    yield from _ownerless(look)
    yield from _several(look)
    yield from _nameless(look)
    yield from _kept_by_rejected(look)


def _folded(look: Look) -> Iterator[Violation]:
    told = 0
    sql = f"SELECT n.id, {KEY}, n.name, n.owner FROM {NAME} n WHERE {look.only('n.site_id')} AND n.id>%s"
    for page in pages(sql):
        for _, key, name, owner in page:
            if told < MOST and not _folds_to(name, key):
                told += 1
                detail = f"{name!r} is reserved under {key!r} instead of {names.fold(name)!r}: another may take it"
                yield Violation("I5", f"photo {owner}", detail, MEND)


def _folds_to(name: str, key: str) -> bool:
    """Plain letters, digits and signs only lose their case: no need to ask, and that is nearly all names."""
    plain = name.isascii() and name.isprintable()
    return key == (name.lower() if plain else names.fold(name))


def _twice(look: Look) -> Iterator[Violation]:
    sql = f"SELECT n.site_id, {KEY}, COUNT(*), MAX(n.owner) FROM {NAME} n WHERE {look.only('n.site_id')}"
    for _, key, n, owner in ask(f"{sql} GROUP BY n.site_id, {KEY} HAVING COUNT(*)>1"):
        yield Violation("I5", f"photo {owner}", f"{n} reservations hold the name {key!r}", MEND)


def _ownerless(look: Look) -> Iterator[Violation]:
    """Owner 0 is a name that was imported; any other owner must be a photo."""
    sql = f"SELECT n.name, n.owner FROM {NAME} n WHERE n.owner<>0 AND {look.only('n.site_id')}"
    for name, owner in ask(f"{sql} AND NOT EXISTS (SELECT 1 FROM {PHOTO} p WHERE p.id=n.owner)"):
        detail = f"the name {name!r} is held by a photo that is gone"
        yield Violation("I5", f"photo {owner}", detail, "penstock db backup FILE, and report it")


def _several(look: Look) -> Iterator[Violation]:
    sql = f"SELECT n.owner, COUNT(*), MIN(n.name) FROM {NAME} n WHERE n.owner<>0 AND {look.only('n.site_id')}"
    for owner, n, name in ask(sql + " GROUP BY n.owner HAVING COUNT(*)>1"):
        yield Violation("I5", f"photo {owner}", f"it holds {n} names, {name!r} among them", MEND)


def _nameless(look: Look) -> Iterator[Violation]:
    sql = f"SELECT p.id, p.{COLUMN}, p.stage FROM {PHOTO} p WHERE p.stage IN {NAMED} AND p.state<>'rejected'"
    sql += f" AND {look.only('p.site_id')} AND NOT EXISTS"
    for photo, name, stage in ask(f"{sql} (SELECT 1 FROM {NAME} n WHERE n.owner=p.id AND n.name=p.{COLUMN})"):
        detail = f"it is at stage {stage} as {name!r}, but does not hold that name"
        yield Violation("I5", f"photo {photo}", detail, MEND)


def _kept_by_rejected(look: Look) -> Iterator[Violation]:
    sql = f"SELECT p.id, n.name FROM {PHOTO} p JOIN {NAME} n ON n.owner=p.id"
    for photo, name in ask(f"{sql} WHERE p.stage='review' AND p.state='rejected' AND {look.only('p.site_id')}"):
        yield Violation("I5", f"photo {photo}", f"it is rejected but still holds the name {name!r}", MEND)

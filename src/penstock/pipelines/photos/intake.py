"""Sets: one subject at one location in one folder, with its files. Nothing is copied or changed here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from penstock.accounts.models import Site
from penstock.adapters.photo.camera import UNKNOWN_CAMERA
from penstock.engine.errors import UsageError
from penstock.ledger import events
from penstock.ledger.counters import Tally
from penstock.ledger.events import clean
from penstock.ledger.tx import commits, write
from penstock.pipelines.photos import namebook, names, taxonomy, taxonomyfiles
from penstock.pipelines.photos.models import PhotoFile, PhotoSet

commits("photos.add_set")
SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif"})
STRIDE = 10_000_000  # ordinals: set × STRIDE + place in the set


@dataclass
class Added:
    """What a new set holds, and what was left out of it and why."""

    set_id: int
    files: int
    skipped: list[tuple[str, str]] = field(default_factory=list)


def add(
    site: Site,
    path: Path,
    *,
    folder: str,
    location: str,
    subject: str,
    confirm: Callable[[str], bool],
    at: Any,
    move: bool = False,
    recursive: bool = False,
    who: str = "",
) -> Added:
    """Make a set from a folder or a file. `confirm` is asked before a new folder or location becomes known.

    Raises UsageError naming what is wrong: an empty field, a path that is not there, no pictures in it."""
    _check_words(folder=folder, location=location, subject=subject)
    _check_name(subject, location, folder)
    found = _files(path, recursive)
    known = set(PhotoFile.objects.filter(site=site, state="ready", run=None).values_list("path", flat=True))
    skipped = [(str(file), "is in another set already") for file in found if str(file) in known]
    skipped += [(clean(str(file)), "has a name that is no UTF-8; rename it") for file in found if not _is_text(file)]
    chosen = [file for file in found if str(file) not in known and _is_text(file)]
    if not chosen:
        raise UsageError(_nothing(path, skipped))
    taxonomyfiles.take_over(site)
    for kind, key in (("folder", folder), ("location", location)):
        taxonomy.ask(site, kind, key, confirm)  # before the transaction: nobody waits for a person's answer
    with write("photos.add_set") as cursor:
        lines = _names_from_before(site)
        taxonomy.ensure(site, "folder", folder)
        taxonomy.ensure(site, "location", location)
        one = PhotoSet.objects.create(
            site=site, folder=folder, location=location, subject=subject, mode="move" if move else "copy"
        )
        _insert(cursor, site, one, chosen)
        lines.append(("INFO", f"Set {one.id}: {len(chosen)} files, {subject} at {location} in {folder}"))
        events.record(at, "set_added", site=site.pk, who=who, lines=lines)
    return Added(one.id, len(chosen), skipped)


def _names_from_before(site: Site) -> list[tuple[str, str]]:
    """A site's first set: names that an earlier installation gave away are not given again."""
    taken = 0 if PhotoSet.objects.filter(site=site).exists() else namebook.import_used(site)
    return [("INFO", f"{taken} file names taken over from {namebook.file_of(site)}")] if taken else []


def _insert(cursor: Any, site: Site, one: PhotoSet, files: list[Path]) -> None:
    base = one.id * STRIDE
    PhotoFile.objects.bulk_create(
        [PhotoFile(site=site, set=one, path=str(f), stage="validate", ordinal=base + n) for n, f in enumerate(files)],
        batch_size=500,
    )
    tally = Tally()
    tally.add(None, "file", ("validate", "ready"), len(files))
    tally.write(cursor, site.pk)


def _is_text(file: Path) -> bool:
    """Whether the name can be stored: file systems keep bytes, and not every name is UTF-8."""
    return str(file).isprintable() or not any("\ud800" <= c <= "\udfff" for c in str(file))


def _nothing(path: Path, skipped: list[tuple[str, str]]) -> str:
    if any("UTF-8" in why for _, why in skipped):
        return f"{clean(str(path))}: no picture there can be taken: {skipped[-1][0]} {skipped[-1][1]}"
    return f"{path}: every picture there is in another set already; run it, or choose other files"


def sample(site: Site, n: int) -> dict[str, list[int]]:
    """`n` files of the backlog, spread over the folders: one from each in turn."""
    folders: dict[str, list[int]] = {}
    backlog = PhotoFile.objects.filter(site=site, state="ready", run=None).order_by("ordinal", "id")
    for item, folder in backlog.values_list("id", "set__folder"):
        folders.setdefault(folder, []).append(item)
    turns = [item for turn in zip_longest(*folders.values()) for item in turn if item is not None]
    return {"file": turns[:n]}


def _files(path: Path, recursive: bool) -> list[Path]:
    place = path.expanduser().absolute()
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise UsageError(f"{path}: there is no such file or folder")
    found = sorted(_pictures(place, recursive), key=lambda file: (str(file.parent), file.name))
    if not found:
        more = "" if recursive else "; --recursive looks into its folders too"
        raise UsageError(f"{path}: no pictures there (JPEG, PNG, TIFF, WebP){more}")
    return found


def _pictures(place: Path, recursive: bool) -> Iterator[Path]:
    for file in place.rglob("*") if recursive else place.iterdir():
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and not file.is_dir():
            yield file


def _check_words(**words: str) -> None:
    for name, text in words.items():
        if not text.strip():
            raise UsageError(f"--{name} is empty; a set needs a folder, a location and a subject")
        if not text.isprintable():
            raise UsageError(f"--{name} holds control characters; type it again")
        if len(text) > (120 if name == "subject" else 80):
            raise UsageError(f"--{name} is too long; at most {120 if name == 'subject' else 80} characters")
        if not any(c.isalnum() for c in text):
            raise UsageError(f"--{name} {text!r} holds no letter or digit; file names need one")


def _check_name(subject: str, location: str, folder: str) -> None:
    try:
        names.stem(names.NameParts(subject, location, folder, UNKNOWN_CAMERA, 2000))
    except names.NameTooLong as error:
        raise UsageError(str(error)) from error

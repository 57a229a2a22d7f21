"""What the supervised child of the photo pipeline runs: the look at a file, then the image steps.
No Django."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from penstock.adapters import files
from penstock.adapters.photo import child, headers
from penstock.engine.errors import Blocking, ItemError, Transient
from penstock.engine.outcome import Done, Note, Outcome, Row
from penstock.engine.pipeline import Item, Progress


def run(stage: str, item: Item, progress: Progress) -> Outcome:
    """Do one stage for one item."""
    if stage == "validate":
        return validate(item)
    if item.get("problem"):
        raise ItemError(item["problem"], code=item["problem_code"])
    if stage == "score":
        return _score(item, progress)
    if stage == "read_exif":
        return _read(item, progress)
    return child.run(stage, item, progress)


def validate(item: Item) -> Outcome:
    """Look at a source file before anything is written, and make its photo; what is wrong goes with it."""
    fields = dict(item["photo"])
    try:
        headers.inspect(item["path"], max_pixels=item["max_pixels"])
    except ItemError as error:
        fields |= {"problem": str(error), "problem_code": error.code}
    return Done(makes=(Row("photo", "0", fields),))


def _read(item: Item, progress: Progress) -> Outcome:
    """The staged original, brought from its source again when it is gone from its staged place."""
    if Path(item["staged_path"]).exists():
        return child.run("read_exif", item, progress)
    _restore(item)
    progress("restored")
    outcome = child.run("read_exif", item, progress)
    note = Note(f"Original was gone from {item['staged_path']}: copied again from {item['source_path']}", "WARN")
    return replace(outcome, notes=(*outcome.notes, note)) if isinstance(outcome, Done) else outcome


def _restore(item: Item) -> None:
    """Raises ItemError (`missing`) when the source does not hold the recorded bytes either."""
    source, staged = item["source_path"], item["staged_path"]
    try:
        same = files.sha256_of(source) == item["content_hash"]
        found = f"{source} holds other bytes now"
    except ItemError as error:
        same, found = False, str(error)
    if not same:
        raise ItemError(
            f"the original is gone: {staged} is not there, and {found}; put it back at one of the two, then retry",
            code="missing",
        )
    files.copy_verified(source, staged)


def _score(item: Item, progress: Progress) -> Outcome:
    """A scorer that cannot run gets one more try; then it blocks the run (a photo's own fault never does)."""
    try:
        return child.run("score", item, progress)
    except Blocking as error:
        if item["attempt"] < 2:
            raise Transient(f"scoring failed, one more try: {error}", code="scoring", after=0.5) from error
        raise

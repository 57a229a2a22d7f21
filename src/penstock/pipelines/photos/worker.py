"""What the supervised child of the photo pipeline runs: the look at a file, then the image steps. No Django."""

from __future__ import annotations

from penstock.adapters.photo import child, headers
from penstock.engine.errors import Blocking, ItemError, Transient
from penstock.engine.outcome import Done, Outcome, Row
from penstock.engine.pipeline import Item, Progress


def run(stage: str, item: Item, progress: Progress) -> Outcome:
    """Do one stage for one item."""
    if stage == "validate":
        return validate(item)
    if item.get("problem"):
        raise ItemError(item["problem"], code=item["problem_code"])
    if stage == "score":
        return _score(item, progress)
    return child.run(stage, item, progress)


def validate(item: Item) -> Outcome:
    """Look at a source file before anything is written, and make its photo; what is wrong goes with it."""
    fields = dict(item["photo"])
    try:
        headers.inspect(item["path"], max_pixels=item["max_pixels"])
    except ItemError as error:
        fields |= {"problem": str(error), "problem_code": error.code}
    return Done(makes=(Row("photo", "0", fields),))


def _score(item: Item, progress: Progress) -> Outcome:
    """A scorer that cannot run gets one more try; then it blocks the run (a photo's own fault never does)."""
    try:
        return child.run("score", item, progress)
    except Blocking as error:
        if item["attempt"] < 2:
            raise Transient(f"scoring failed, one more try: {error}", code="scoring", after=0.5) from error
        raise

"""Generate: texts of single photos written anew, beside any run and through the very stage that wrote them first.

What comes back is kept with the wish until a person takes it: nothing that somebody typed meanwhile is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from penstock.accounts.models import Site
from penstock.engine.clock import Clock
from penstock.engine.errors import NotFound, Refused, UsageError
from penstock.engine.ids import Ids
from penstock.engine.outcome import Done, Fail, Outcome
from penstock.engine.pipeline import Item, Limits, Pipeline, Progress, Stage
from penstock.engine.states import BROKEN, GATED, ItemState, RunState
from penstock.ledger import control
from penstock.ledger.counters import Tally
from penstock.ledger.models import Run
from penstock.ledger.tx import commits, write
from penstock.pipelines.photos import qc
from penstock.pipelines.photos.captions import Writers
from penstock.pipelines.photos.models import Photo, Regeneration
from penstock.pipelines.photos.settings import of
from penstock.review import gate
from penstock.review.duplicates import normalised

commits("regenerate.ask", "regenerate.take")

KIND, PIPELINE, STAGE, TABLE = "generate", "regenerate", "generate", "regeneration"
TEXTS = ("Caption", "alt_text", "Keywords")
TOLD = ("provider", "model", "prompt_version", "evidence")
CHANGED_FIELD = {"Caption": "caption", "alt_text": "alt_text", "Keywords": "keywords"}
TEXT_FLAGS = {*qc.SUSPICIOUS, *qc.DUPLICATE}


def build(run: Any) -> Pipeline:
    """One stage: the caption stage's own work."""
    s = of(run.plan)
    writers = Rewriters(s, begun=run.heartbeat_at is not None)
    stage = Stage(
        1, STAGE, "Write texts anew", TABLE, "async",
        work=writers.write_again, load=writers.load, lane="model", tries=writers.tries,
        limits=Limits(idle=s.caption_idle_limit, hard=s.caption_hard_limit), backoff=s.caption_retry_wait,
    )  # fmt: skip
    return Pipeline(PIPELINE, (stage,), preflight=writers.preflight if writers.remote else None)


class Rewriters(Writers):
    """The writers of a run, asked for photos that have texts already: their present ones count as taken."""

    def load(self, context: Any, ids: Sequence[int]) -> list[Item]:
        """The photos of these wishes as they are now. What other photos hold is read each time: wishes come and go."""
        photos = dict(Regeneration.objects.filter(id__in=ids).values_list("id", "photo"))
        self._known = None
        there = list(Photo.objects.filter(id__in=set(photos.values())).values_list("id", flat=True))
        found = {item["id"]: item for item in super().load(context, there)}
        return [
            {**found.get(photos[one], {"gone": True}), "id": one, "photo": photos[one], "edited": []} for one in ids
        ]

    async def write_again(self, item: Item, progress: Progress) -> Outcome:
        """As the stage writes; the texts stay with the wish."""
        if item.get("gone"):
            return Fail(f"photo {item['photo']} was removed meanwhile", "gone")
        outcome = await self.write({**item, "id": item["photo"]}, progress)
        return Done({"result": dict(outcome.fields)}, notes=outcome.notes) if isinstance(outcome, Done) else outcome


def ask(site: Site, photos: Sequence[int], fields: Sequence[str], who: str, clock: Clock, ids: Ids) -> list[int]:
    """Wish for new texts; answers the ids of the wishes. They join the generation that is open, or start one.

    Raises NotFound for a photo that is not the site's, Refused for one that cannot be edited now."""
    settings = {**site.settings, "on_blocking": "pause"}
    with write("regenerate.ask") as cursor:
        run = Run.objects.filter(active_key=f"{site.pk}:{KIND}").first()
        made = [_wish(site, photo, fields, who, run) for photo in photos]
        tally = Tally()
        tally.add(run.id if run else None, TABLE, (STAGE, ItemState.READY.value), len(made))
        tally.write(cursor, site.pk)
        wishes = [one.pk for one in made]
        if run is None:
            control.start(
                site, clock, ids, kind=KIND, pipeline=PIPELINE, plan=settings, scope={TABLE: wishes}, who=who
            )  # fmt: skip
    if run is not None and run.status == RunState.PAUSED:
        control.resume(control.find(run.id), clock, who)
    return wishes


def _wish(site: Site, photo: int, fields: Sequence[str], who: str, run: Run | None) -> Regeneration:
    row = Photo.objects.filter(site=site, id=photo).values("state", "ordinal", "Review_Status").first()
    if row is None:
        raise NotFound(f"site {site.name} has no item {photo}")
    if row["state"] not in (ItemState.WAITING, ItemState.APPROVED):
        raise Refused(
            f"item {photo} is {row['Review_Status'].lower()}; only what is pending or approved can be generated"
        )
    return Regeneration.objects.create(
        site=site, photo=photo, fields=[name for name in TEXTS if name in fields], who=who, stage=STAGE,
        run=run.id if run else None, ordinal=row["ordinal"],
    )  # fmt: skip


def newest(site: Site, photos: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Photo → its newest wish that nobody has taken yet, as plain data."""
    found = Regeneration.objects.filter(site=site, photo__in=photos, taken=False).order_by("id")
    return {one["item"]: one for one in told(site, list(found.values_list("id", flat=True)))}


def told(site: Site, wishes: Sequence[int]) -> list[dict[str, Any]]:
    """How far wishes have come: `state` is working, done or failed; `texts` what was written."""
    found = list(Regeneration.objects.filter(site=site, id__in=wishes).order_by("id"))
    runs = Run.objects.in_bulk({one.run for one in found if one.run})
    return [_told(one, runs.get(one.run or "")) for one in found]


def _told(one: Regeneration, run: Run | None) -> dict[str, Any]:
    broken = one.state in [state.value for state in BROKEN]
    state = "done" if one.state == ItemState.DONE else "failed" if broken else "working"
    stopped = run is not None and run.status != RunState.RUNNING and state == "working"
    problem = one.error if broken else (run.error_message or f"it is {run.status}") if run and stopped else ""
    texts = {name: one.result[name] for name in one.fields if name in one.result}
    return {
        "job": one.pk, "item": one.photo, "state": "stopped" if stopped else state, "problem": problem,
        "texts": texts, "taken": one.taken, "written_by": one.result.get("provider", ""),
    }  # fmt: skip


def take(
    site: Site, wish: int, row: Mapping[str, Any], fields: Sequence[str], *, who: str, at: datetime, revision: int,
    decision_id: str,
) -> None:  # fmt: skip
    """Write what was generated into the photo, through the gate.

    Raises Refused when another photo holds such a text by now, or the row changed meanwhile."""
    one = Regeneration.objects.filter(site=site, id=wish, photo=row["id"]).first()
    if one is None or one.state != ItemState.DONE:
        raise NotFound(f"item {row['id']} has no generated texts {wish}")
    wanted = {name: one.result[name] for name in fields if name in one.fields and name in one.result}
    if not wanted:
        raise UsageError("this takes no text that was generated; load the page again")
    with write("regenerate.take"):
        held = holder(site, row["id"], wanted)
        if held:
            raise Refused(held, code="duplicate")
        made = _made(one.result, row, wanted)
        gate.rewrite("photo", row["id"], wanted, made, who=who, at=at, revision=revision, decision_id=decision_id)
        Regeneration.objects.filter(id=wish).update(taken=True)


def holder(site: Site, item: int, texts: Mapping[str, str]) -> str:
    """The sentence that names the row which holds one of these texts already; "" when none does."""
    wanted = {name: normalised(texts[name]) for name in ("Caption", "alt_text") if texts.get(name)}
    states = [state.value for state in (*GATED, ItemState.DONE) if state != ItemState.REJECTED]
    others = Photo.objects.filter(site=site, stage="review", state__in=states).exclude(id=item)
    for other, name, caption, alt in others.values_list("id", "File_Name", "Caption", "alt_text").iterator():
        for field, text in (("Caption", caption), ("alt_text", alt)):
            if field in wanted and normalised(text) == wanted[field]:
                word = "caption" if field == "Caption" else "alt text"
                return f"{name or other} (item {other}) has the same {word} already; generate again, or write your own"
    return ""


def _made(result: Mapping[str, Any], row: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    """Who made the texts, what the rules changed in them, and the flags that go and come with them."""
    names = {CHANGED_FIELD[name] for name in wanted}
    kept = [one for one in row["changes"] if one.get("field") not in names]
    mine = [one for one in result.get("changes", []) if one.get("field") in names]
    flags = {flag for flag in row["flags"] if flag not in TEXT_FLAGS} if len(wanted) == len(TEXTS) else {*row["flags"]}
    made = {name: result[name] for name in TOLD if name in result}
    return {**made, "changes": [*kept, *mine], "flags": sorted({*flags, *result.get("flags", [])})}

"""Stage 7: caption, alt text and keywords: by a model, its fallback, or the template, in that order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.db.models import Count

from penstock.adapters.llm.model import Ask, BadAnswer, ModelBusy, Timeouts, Vision
from penstock.engine.errors import Blocking, Died, ItemError, Transient, Unavailable
from penstock.engine.outcome import Done, Fallback, Note, Outcome, Retry
from penstock.engine.pipeline import Item, Progress
from penstock.ledger import rows
from penstock.ledger.models import Run
from penstock.pipelines.photos import cues as cueing
from penstock.pipelines.photos import judge, packs, prompts, taxonomy, templates
from penstock.pipelines.photos.facts import Facts, Hint, Texts
from penstock.pipelines.photos.intake import STRIDE
from penstock.pipelines.photos.known import Known
from penstock.pipelines.photos.models import Photo, PhotoFile
from penstock.pipelines.photos.settings import PhotoSettings


@dataclass(frozen=True)
class Way:
    """One way of getting texts: a model, or the template when `model` is empty."""

    model: str
    tries: int


class Writers:
    """The ways of one run, in order, with what they share: rule packs and the texts that are taken."""

    def __init__(self, settings: PhotoSettings, *, begun: bool = False) -> None:
        self.settings = settings
        self.begun = begun  # the run has worked before: a server that is away now costs it nothing
        self.ways = ways_of(settings)
        self.tries = tuple(way.tries for way in self.ways)
        self.remote = settings.caption_provider != "template"
        self._models: dict[str, Vision] = {}
        self._known: Known | None = None
        self._packs: Any = None
        self._seen: dict[int, tuple[str, ...]] = {}  # photo → what a second look confirmed

    # -- before the run -------------------------------------------------------------------------------------

    async def preflight(self) -> list[tuple[str, str]]:
        """The start-up line of every model.

        Raises Blocking when the server or a model is missing, but Unavailable when a run that has worked before
        only lacks its server."""
        lines: list[tuple[str, str]] = []
        try:
            for way in self.ways:
                lines += await self._checked(way) if way.model else []
        finally:
            await self._close()
        return lines

    async def _checked(self, way: Way) -> list[tuple[str, str]]:
        check = await self._model(way.model).check()
        wrong = check.blocking()
        if wrong is not None:
            raise Unavailable(str(wrong), code=wrong.code) if self.begun and not check.reachable else wrong
        warning = check.unexpected(self.settings.expect_processor)
        return [("INFO", check.line()), *([("WARN", warning)] if warning else [])]

    # -- on the database thread -----------------------------------------------------------------------------

    def load(self, context: Any, ids: Sequence[int]) -> list[Item]:
        """Facts of each photo; the texts that other photos hold are read once per run."""
        run: Run = context.run
        if self._known is None:
            self._packs = _packs(self.settings, list(taxonomy.names(run.site, "location")))
            self._known = Known(run)
        folders = taxonomy.names(run.site, "folder")
        sizes = _set_sizes(ids)
        return [_item(row, folders, sizes) for row in rows.read("photo", ids)]

    # -- working --------------------------------------------------------------------------------------------

    async def write(self, item: Item, progress: Progress) -> Outcome:
        """Texts for one photo by the way that its attempts have come to."""
        way = self.ways[item["way"]]
        facts = Facts.from_json(item["facts"])
        if not way.model:
            return self._by_template(item, facts)
        return await self._by_model(item, facts, way, progress)

    def _by_template(self, item: Item, facts: Facts) -> Outcome:
        assert self._known is not None
        cues = cueing.resolve(facts)
        texts = templates.write(facts, cues, self.settings.keywords_count)
        for variant in range(1, 40):
            if not self._known.taken(texts, item["id"], others=True):
                break
            texts = templates.write(facts, cues, self.settings.keywords_count, variant)
        ruled = judge.judge(
            texts, facts, cues, self._packs, self._known.none(), keywords_n=self.settings.keywords_count
        )
        if isinstance(ruled, judge.Rejected):
            return Fallback("; ".join(ruled.reasons), "rejected")
        return self._accept(item, ruled, provider="template", model="template", digest="")

    async def _by_model(self, item: Item, facts: Facts, way: Way, progress: Progress) -> Outcome:
        facts = await self._looked(item, facts, way, progress)
        cues = cueing.resolve(facts)
        ask = self._ask(item, facts, cues)
        try:
            answer = await self._model(way.model).ask(ask, progress)
        except Transient as error:
            if not error.burns:
                raise
            useless = isinstance(error, BadAnswer) and error.same_again_useless
            return self._refused(item, way, str(error), error.code, useless=useless, after=error.after)
        draft, own = prompts.parse(answer.data)
        evidence = () if facts.looked else own
        assert self._known is not None
        seen = self._known.of(item["id"])
        told = judge.judge(
            draft, facts, cues, self._packs, seen, evidence=evidence, keywords_n=self.settings.keywords_count
        )
        if isinstance(told, judge.Rejected):
            return self._refused(item, way, "; ".join(told.reasons), "rejected")
        return self._accept(
            item,
            told,
            provider=self.settings.caption_provider,
            model=answer.model,
            digest=answer.digest,
            way=way,
        )

    async def _looked(self, item: Item, facts: Facts, way: Way, progress: Progress) -> Facts:
        """What an independent look at the picture confirms; asked once per photo, its failure costs nothing."""
        if not self.settings.caption_second_look:
            return facts
        if item["id"] not in self._seen:
            self._seen[item["id"]] = ()  # one that the watchdog ends is not asked for again
            try:
                self._seen[item["id"]] = await self._look(item, way, progress)
            except (Unavailable, ModelBusy):  # the server's fault: it is asked again
                del self._seen[item["id"]]
                raise
            except (Transient, Died, ItemError) as error:
                progress(f"no second look: {error}")
        evidence = self._seen[item["id"]]
        return replace(facts, evidence=evidence, looked=True) if evidence else facts

    async def _look(self, item: Item, way: Way, progress: Progress) -> tuple[str, ...]:
        nonce = _nonce(item, "look")
        system, prompt = prompts.look(nonce)
        ask = self._question(item, f"id={item['id']}\n{prompt}", system, prompts.look_schema(), nonce, ("nonce",))
        answer = await self._model(way.model).ask(ask, progress)
        return prompts.parse_look(answer.data)

    def _ask(self, item: Item, facts: Facts, cues: Any) -> Ask:
        nonce, n = _nonce(item, "text"), self.settings.keywords_count
        system, prompt = prompts.caption(facts, cues, n, nonce, f"id={item['id']}", issues=item["issues"])
        return self._question(item, prompt, system, prompts.schema(n), nonce, ("nonce", "evidence"))

    def _question(
        self, item: Item, prompt: str, system: str, schema: dict[str, Any], nonce: str, optional: tuple[str, ...]
    ) -> Ask:
        s = self.settings
        return Ask(
            image=item["image"], system=system, prompt=prompt, schema=schema, nonce=nonce, optional=optional,
            temperature=min(0.6, s.caption_temperature + 0.1 * (item["attempt"] - 1)),
            num_ctx=s.caption_num_ctx, num_predict=s.caption_num_predict,
        )  # fmt: skip

    def _refused(
        self, item: Item, way: Way, reason: str, code: str, *, useless: bool = False, after: float | None = None
    ) -> Outcome:
        """No text that can be used: another try (in `after` seconds), or the next way."""
        notes = self._retry_notes(item, way, last=useless)
        return Fallback(reason, code, notes) if useless else Retry(reason, code, after, notes)

    def _retry_notes(self, item: Item, way: Way, *, last: bool) -> tuple[Note, ...]:
        """The line that says the primary model is given up for this photo."""
        index = item["way"]
        spent = last or item["attempt"] >= sum(self.tries[: index + 1])
        if not spent or index + 1 >= len(self.ways):
            return ()
        following = self.ways[index + 1].model or "template"
        word = "primary model" if index == 0 else "model"
        return (Note(f"[RETRY] id={item['id']} {word} '{way.model}' failed; trying fallback '{following}'", "WARN"),)

    def _accept(
        self, item: Item, told: Any, *, provider: str, model: str, digest: str, way: Way | None = None
    ) -> Outcome:
        texts: Texts = told.texts
        assert self._known is not None
        self._known.add(item["id"], texts)
        fields = {
            "Caption": texts.caption,
            "alt_text": texts.alt_text,
            "Keywords": ", ".join(texts.keywords),
            "provider": provider,
            "model": f"{model}@{digest[:12]}" if digest else model,
            "prompt_version": prompts.VERSION if way else templates.VERSION,
            "changes": [change.to_json() for change in told.changes],
            "flags": sorted(set(told.flags)),
            "evidence": list(getattr(told, "evidence", ())),
        }
        fields = {name: value for name, value in fields.items() if name not in item["edited"]}
        notes = [Note(f"[OUT] id={item['id']} caption: {texts.caption}")] if way else []
        if item["way"] > 0:
            notes.append(Note(f"[RETRY-OK] id={item['id']} accepted from fallback {_named(way)}"))
        return Done(fields, notes=tuple(notes))

    def _model(self, name: str) -> Vision:
        if name not in self._models:
            self._models[name] = make_model(self.settings, name)
        return self._models[name]

    async def _close(self) -> None:
        for model in self._models.values():
            await model.close()
        self._models.clear()


def _packs(s: PhotoSettings, locations: list[str]) -> packs.Packs:
    """The site's rule packs. Raises Blocking naming the one that cannot be used."""
    extra = Path(s.rules_dir) if s.rules_dir else None
    try:
        return packs.load(s.rule_packs or None, extra, locations)
    except packs.RuleError as error:
        raise Blocking(f"{error}; mend that rule pack, or take it out of rule_packs", code="rules") from error


def _nonce(item: Item, what: str) -> str:
    return f"{what}-{item['id']}-{item['batch']}-{item['attempt']}"


def _named(way: Way | None) -> str:
    return f"model '{way.model}'" if way and way.model else "'template'"


def make_model(s: PhotoSettings, name: str) -> Vision:
    """A client for one model of the configured server."""
    timeouts = Timeouts(
        connect=s.connect_timeout, first_byte_cold=s.cold_timeout, first_byte=s.first_byte_timeout,
        token=s.token_timeout, total=s.total_timeout,
    )  # fmt: skip
    if s.caption_provider == "openai":
        from penstock.adapters.llm.openai import OpenAI

        return OpenAI(s.openai_url, name, key=os.environ.get(s.openai_key_env, ""), timeouts=timeouts)
    from penstock.adapters.llm.ollama import Ollama

    return Ollama(s.ollama_url, name, timeouts=timeouts, num_ctx=s.caption_num_ctx)


def ways_of(s: PhotoSettings) -> tuple[Way, ...]:
    """The ways of getting texts that these settings ask for, in order."""
    if s.caption_provider == "template":
        return (Way("", 1),)
    ways = [Way(s.caption_model, s.caption_tries)]
    if s.caption_fallback_model and s.caption_fallback_model != s.caption_model:
        ways.append(Way(s.caption_fallback_model, s.caption_fallback_tries))
    if s.caption_template_fallback:
        ways.append(Way("", 1))
    return tuple(ways)


def _set_sizes(ids: Sequence[int]) -> dict[int, int]:
    """Photo id → how many files its set has. Ordinals give the place in the set."""
    sets = dict(Photo.objects.filter(id__in=ids).values_list("id", "set_id"))
    files = PhotoFile.objects.filter(set_id__in=set(sets.values())).values_list("set_id")
    counts = dict(files.annotate(n=Count("id")))
    return {photo: counts.get(one, 1) for photo, one in sets.items()}  # files go with the runs that are past


def _item(row: dict[str, Any], folders: dict[str, str], sizes: dict[int, Any]) -> Item:
    gps = row["gps"]
    facts = Facts(
        folder_key=row["Folder"], folder_name=folders.get(row["Folder"], row["Folder"]), location=row["Location"],
        subject=row["Subject"], original_name=row["Original_File_Name"], taken_at=row["DateTime"], zone=row["zone"],
        gps=(gps["lat"], gps["lon"]) if gps else None, camera=row["Camera"], lens=row["Lens_model"],
        width=row["Width"] or 0, height=row["Height"] or 0, light=row["light"], ordinal=row["ordinal"] % STRIDE,
        set_size=sizes[row["id"]], hints=tuple(Hint(**hint) for hint in row["hints"]),
    )  # fmt: skip
    issues = [row["error"]] if row["error_code"] == "rejected" else []
    return {
        "id": row["id"],
        "facts": facts.to_json(),
        "image": row["ollama_path"] or row["Path"] or row["staged_path"],
        "issues": issues,
        "batch": row["batch"],
        "edited": row["edited"],
    }

"""Stages 2 and 4 by a model: a call per cluster or task, a repair with the reason, then the fallback model, then the
row fails with its reason. Nothing partial is kept, and no template steps in unseen."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from penstock.adapters.llm.model import Answer, Ask, BadAnswer, Timeouts, Vision
from penstock.engine.errors import Transient, Unavailable
from penstock.engine.outcome import Done, Fallback, Outcome, Retry, Row
from penstock.engine.pipeline import Item, Progress
from penstock.ledger import rows
from penstock.pipelines.content import articles, asking, ideas
from penstock.pipelines.content.markup import headings, plain, sanitised, word_count
from penstock.pipelines.content.settings import ContentSettings

REPAIRED = ("rejected", "schema", "json", "nonce", "empty")  # what the next try is told of


class Writers:
    """The models of one run, in the order in which they are tried."""

    def __init__(self, settings: ContentSettings, *, begun: bool = False) -> None:
        self.settings, self.begun = settings, begun
        ways = [(settings.text_model, settings.text_tries)]
        if settings.text_fallback_model not in ("", settings.text_model):
            ways.append((settings.text_fallback_model, settings.text_fallback_tries))
        self.names, self.tries = [name for name, _ in ways], tuple(tries for _, tries in ways)
        self._models: dict[str, Vision] = {}

    async def preflight(self) -> list[tuple[str, str]]:
        """The start-up line of every model. Raises Blocking when one is missing, but Unavailable when a run that has
        worked before only lacks its server."""
        lines = []
        try:
            for name in self.names:
                check = await self._model(name).check()
                wrong = check.blocking()
                if wrong is not None:
                    raise Unavailable(str(wrong), code=wrong.code) if self.begun and not check.reachable else wrong
                lines.append(("INFO", check.line()))
        finally:
            for model in self._models.values():
                await model.close()
            self._models.clear()
        return lines

    def load_clusters(self, context: Any, ids: Sequence[int]) -> list[Item]:
        """As offline, with what was wrong with the last answer."""
        return _with_issues("cluster", ideas.load_clusters(context, ids), ids, context.batch)

    def load_tasks(self, context: Any, ids: Sequence[int]) -> list[Item]:
        """As offline, with what was wrong with the last answer."""
        return _with_issues("task", articles.load_tasks(context, ids), ids, context.batch)

    async def think(self, cluster: Item, progress: Progress) -> Outcome:
        """Ideas for one cluster."""
        nonce = _nonce("ideas", cluster)
        prompt, schema = asking.ideas(cluster, nonce, self.settings.language)
        return await self._asked(cluster, prompt, schema, nonce, progress, _thought)

    async def write(self, task: Item, progress: Progress) -> Outcome:
        """The article of one task."""
        nonce, least = _nonce("article", task), self.settings.least_words
        prompt, schema = asking.article(task, nonce, self.settings.language, least)

        def judge(item: Item, data: dict[str, Any], made: dict[str, str]) -> Outcome:
            return _written(item, data, made, least)

        return await self._asked(task, prompt, schema, nonce, progress, judge)

    async def _asked(
        self, item: Item, prompt: str, schema: dict[str, Any], nonce: str, progress: Progress,
        judge: Callable[[Item, dict[str, Any], dict[str, str]], Outcome],
    ) -> Outcome:  # fmt: skip
        s, name = self.settings, self.names[item["way"]]
        ask = Ask(
            image=None, system=asking.SYSTEM, prompt=prompt, schema=schema, nonce=nonce,
            temperature=s.text_temperature, num_ctx=s.text_num_ctx, num_predict=s.text_num_predict,
        )  # fmt: skip
        try:
            answer = await self._model(name).ask(ask, progress)
        except Transient as error:
            if not error.burns:
                raise
            if isinstance(error, BadAnswer) and error.same_again_useless:
                return Fallback(str(error), error.code)
            return Retry(str(error), error.code, error.after)
        return judge(item, answer.data, self._made(answer))

    def _made(self, answer: Answer) -> dict[str, str]:
        model = f"{answer.model}@{answer.digest[:12]}" if answer.digest else answer.model
        return {"provider": self.settings.text_provider, "model": model[:200], "prompt_version": asking.VERSION}

    def _model(self, name: str) -> Vision:
        if name not in self._models:
            self._models[name] = make_model(self.settings, name)
        return self._models[name]


def make_model(s: ContentSettings, name: str) -> Vision:
    """A client for one model of the configured server."""
    timeouts = Timeouts(
        first_byte_cold=s.cold_timeout, first_byte=s.first_byte_timeout, token=s.token_timeout, total=s.total_timeout
    )
    if s.text_provider == "openai":
        from penstock.adapters.llm.openai import OpenAI

        return OpenAI(s.openai_url, name, key=os.environ.get(s.openai_key_env, ""), timeouts=timeouts)
    from penstock.adapters.llm.ollama import Ollama

    return Ollama(s.ollama_url, name, timeouts=timeouts, num_ctx=s.text_num_ctx)


def _thought(cluster: Item, data: dict[str, Any], made: dict[str, str]) -> Outcome:
    base = cluster["ordinal"] * ideas.STRIDE
    found = [{**one, "title": " ".join(plain(one["title"]).split())} for one in data["ideas"]]
    if len({one["title"].casefold() for one in found}) < len(found) or not all(one["title"] for one in found):
        return Retry("Two ideas have the same title, or one has none.", "rejected")
    made_rows = tuple(
        Row("idea", str(n), {**one, **made, "cluster": cluster["id"], "ordinal": base + n})
        for n, one in enumerate(found)
    )
    return Done({}, made_rows, counts={"clusters_processed": 1, "ideas_created": len(made_rows)})


def _written(task: Item, data: dict[str, Any], made: dict[str, str], least: int) -> Outcome:
    html = sanitised(data["html"])
    reasons = []
    if word_count(html) < least:
        reasons.append(f"The body has {word_count(html)} words, fewer than {least}.")
    if not headings(html):
        reasons.append("The body has no h2.")
    if reasons:
        return Retry(" ".join(reasons), "rejected")
    texts = {name: plain(data[name]) for name in ("title", "meta_description", "excerpt")}
    return articles.accepted(task, {**texts, "html": html}, made)


def _with_issues(table: str, items: list[Item], ids: Sequence[int], batch: int) -> list[Item]:
    told = {row["id"]: row["error"] for row in rows.read(table, ids) if row["error_code"] in REPAIRED}
    return [{**item, "issues": [told[item["id"]]] if item["id"] in told else [], "batch": batch} for item in items]


def _nonce(what: str, item: Item) -> str:
    return f"{what}-{item['id']}-{item['batch']}-{item['attempt']}"

"""Stage 7: which way writes the texts of a photo, what is stored of them, and what is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.llm.model import Answer, Ask, BadAnswer, ServerCheck
from penstock.engine.errors import Blocking
from penstock.engine.outcome import Done, Fallback, Outcome, Retry
from penstock.ledger.models import Run
from penstock.pipelines.photos import captions
from penstock.pipelines.photos.models import Photo, PhotoFile
from penstock.pipelines.photos.settings import of
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")
GOOD = {
    "caption": "A grey heron stands in the shallow water beside tall reeds.",
    "alt_text": "Long-legged bird with a grey back waits between reeds near the water edge.",
    "keywords": ["grey heron", "bird", "reeds", "water", "wetland", "feathers", "beak", "legs", "grey", "plants",
                 "wading", "standing", "shore", "stems"],
    "evidence": ["heron", "water", "reeds"],
}  # fmt: skip
MODEL = {"caption_provider": "ollama", "caption_model": "vision"}


class Server:
    """Stand-in for a model server: answers what it is told, keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.closed = list(answers), 0
        self.asked: list[Ask] = []
        self.checked = ServerCheck("vision", found=True, reachable=True, processor="CPU", context=4096)

    async def check(self) -> ServerCheck:
        return self.checked

    async def ask(self, ask: Ask, _progress: Any) -> Answer:
        self.asked.append(ask)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Answer({**answer, "nonce": ask.nonce}, "", "vision", "sha256:0123456789abcdef", 1, 1, 0.1, "ollama")

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server behind every model."""
    one = Server()
    monkeypatch.setattr(captions, "make_model", lambda _settings, _name: one)
    return one


def photo(**fields: Any) -> Photo:
    """A photo of a site that comes to stage 7, with its file."""
    site = rows.site()
    run = rows.run(site)
    empty = {"Caption": "", "alt_text": "", "Keywords": "", "File_Name": "", "run": run.id, "batch": 3}
    one = rows.waiting(site, **{**empty, "ollama_path": "/w/1.jpg", **fields})
    PhotoFile.objects.create(site=site, set=one.set, path="/card/1.jpg", stage="validate")
    return one


def loaded(one: Photo, writers: captions.Writers, attempt: int = 1) -> dict[str, Any]:
    """The item as the loop hands it to the work."""
    run = Run.objects.get(id=one.run)
    (item,) = writers.load(rows.context(run), [one.id])
    way = next(n for n in range(len(writers.tries)) if attempt <= sum(writers.tries[: n + 1]))
    return {**item, "attempt": attempt, "way": way}


def written(one: Photo, attempt: int = 1, writers: captions.Writers | None = None, **plan: Any) -> Outcome:
    """What the stage makes of a photo."""
    writers = writers or captions.Writers(of({**MODEL, "caption_second_look": False, **plan}))
    return asyncio.run(writers.write(loaded(one, writers, attempt), lambda _: None))


def test_the_ways_are_the_model_its_fallback_and_the_template() -> None:
    ways = captions.ways_of(of({**MODEL, "caption_fallback_model": "small", "caption_tries": 4}))
    assert [(way.model, way.tries) for way in ways] == [("vision", 4), ("small", 2), ("", 1)]
    assert captions.ways_of(of({})) == (captions.Way("", 1),)
    alone = of({**MODEL, "caption_fallback_model": "vision", "caption_template_fallback": False})
    assert captions.ways_of(alone) == (captions.Way("vision", 3),)


def test_a_template_text_says_who_wrote_it_and_needs_no_server(server: Server) -> None:
    outcome = written(photo(), caption_provider="template")
    assert isinstance(outcome, Done)
    assert (outcome.fields["provider"], outcome.fields["model"]) == ("template", "template")
    assert outcome.fields["Caption"].endswith(".")
    assert server.asked == []


def test_photos_of_one_set_get_different_template_texts() -> None:
    one = photo()
    two = rows.waiting(one.site, 2, run=one.run, Caption="", alt_text="", Keywords="", ordinal=2)
    PhotoFile.objects.create(site=one.site, set=one.set, path="/card/2.jpg", stage="validate", ordinal=2)
    writers = captions.Writers(of({}))
    first, second = (written(each, writers=writers) for each in (one, two))
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert first.fields["Caption"] != second.fields["Caption"]


def test_a_good_answer_is_stored_with_its_model_and_prompt(server: Server) -> None:
    server.answers = [GOOD]
    one = photo()
    outcome = written(one)
    assert isinstance(outcome, Done)
    assert outcome.fields["Caption"] == GOOD["caption"]
    assert len(outcome.fields["Keywords"].split(", ")) == 12
    assert outcome.fields["model"] == "vision@sha256:01234"
    assert outcome.fields["prompt_version"] == "caption-1"
    assert [note.text for note in outcome.notes] == [f"[OUT] id={one.id} caption: {GOOD['caption']}"]


def test_hints_of_the_classifier_reach_the_model(server: Server) -> None:
    server.answers = [GOOD]
    written(photo(hints=[{"family": "nature", "label": "grey heron", "score": 0.91}]))
    assert '"confirmed by a second look": "grey heron"' in server.asked[0].prompt


def test_the_second_look_is_asked_once_per_photo_and_told_nothing_of_the_set(server: Server) -> None:
    server.answers = [{"seen": ["bird", "reeds"]}, {**GOOD, "caption": ""}, GOOD]
    one, writers = photo(), captions.Writers(of(MODEL))
    assert isinstance(written(one, 1, writers), Retry)
    assert isinstance(written(one, 2, writers), Done)
    look, first, second = server.asked
    assert "heron" not in look.prompt.lower() + look.system.lower()
    assert "bird, reeds" in first.prompt
    assert "bird, reeds" in second.prompt


def test_the_model_reads_its_own_copy_and_the_published_one_where_there_is_none(server: Server) -> None:
    server.answers = [GOOD, GOOD]
    one = photo()
    written(one)
    Photo.objects.update(ollama_path=None, Path="/site/a.jpg")
    written(one)
    assert [ask.image for ask in server.asked] == ["/w/1.jpg", "/site/a.jpg"]


def test_every_try_is_a_little_warmer_and_has_a_nonce_of_its_own(server: Server) -> None:
    server.answers = [GOOD] * 3
    one = photo()
    for attempt in (1, 2, 3):
        written(one, attempt)
    assert [ask.temperature for ask in server.asked] == pytest.approx([0.1, 0.2, 0.3])
    assert len({ask.nonce for ask in server.asked}) == 3


def test_a_refused_draft_is_told_what_was_wrong_the_next_time(server: Server) -> None:
    server.answers = [GOOD]
    written(photo(error="the caption names a mountain", error_code="rejected"))
    assert "the caption names a mountain" in server.asked[0].prompt


def test_a_text_that_another_photo_holds_is_refused(server: Server) -> None:
    server.answers = [GOOD]
    one = photo()
    rows.waiting(one.site, 2, Caption=GOOD["caption"])
    outcome = written(one)
    assert isinstance(outcome, Retry)
    assert "another photo has the same caption" in outcome.reason


def test_the_last_try_of_a_model_names_the_one_that_follows(server: Server) -> None:
    server.answers = [BadAnswer("it was no JSON", code="json")] * 2
    one = photo()
    first, last = (written(one, n, caption_fallback_model="small", caption_tries=2) for n in (1, 2))
    assert isinstance(first, Retry)
    assert isinstance(last, Retry)
    assert first.notes == ()
    assert last.notes[0].text == f"[RETRY] id={one.id} primary model 'vision' failed; trying fallback 'small'"


def test_an_answer_that_would_come_again_goes_to_the_next_way_at_once(server: Server) -> None:
    server.answers = [BadAnswer("it does not fit the context", code="context")]
    outcome = written(photo())
    assert isinstance(outcome, Fallback)
    assert "trying fallback 'template'" in outcome.notes[0].text


def test_a_text_of_a_fallback_is_told_as_such(server: Server) -> None:
    server.answers = [GOOD]
    one = photo()
    by_model, by_template = (written(one, n, caption_fallback_model="small", caption_tries=1) for n in (2, 4))
    assert isinstance(by_model, Done)
    assert isinstance(by_template, Done)
    assert by_model.notes[-1].text == f"[RETRY-OK] id={one.id} accepted from fallback model 'small'"
    assert by_template.notes[-1].text == f"[RETRY-OK] id={one.id} accepted from fallback 'template'"


def test_what_a_person_wrote_is_not_written_over(server: Server) -> None:
    server.answers = [GOOD]
    outcome = written(photo(edited=["Caption"]))
    assert isinstance(outcome, Done)
    assert "Caption" not in outcome.fields
    assert "alt_text" in outcome.fields


def test_a_model_that_is_missing_blocks_before_the_run_and_connections_are_closed(server: Server) -> None:
    writers = captions.Writers(of(MODEL))
    server.checked = ServerCheck("vision", reachable=True, detail="The server has no model vision.")
    with pytest.raises(Blocking, match="no model vision") as caught:
        asyncio.run(writers.preflight())
    assert (caught.value.code, server.closed) == ("model_missing", 1)


def test_the_start_up_line_is_told_and_an_unexpected_processor_is_warned_of(server: Server) -> None:
    lines = asyncio.run(captions.Writers(of({**MODEL, "expect_processor": "gpu"})).preflight())
    assert [level for level, _ in lines] == ["INFO", "WARN"]
    assert "startup check: model=vision processor=CPU context=4096" in lines[0][1]


def test_a_rule_pack_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("rules = 7 7")
    with pytest.raises(Blocking, match=r"mine\.toml"):
        written(photo(), rules_dir=str(tmp_path))

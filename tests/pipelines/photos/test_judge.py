from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from penstock.pipelines.photos import templates
from penstock.pipelines.photos.cues import resolve
from penstock.pipelines.photos.facts import Facts, Texts
from penstock.pipelines.photos.judge import CUES_DISAGREE, FEW_KEYWORDS, TIDIED, Accepted, Rejected, judge
from penstock.pipelines.photos.packs import load

PACKS = load()
FACTS = Facts(
    folder_key="birds",
    folder_name="Birds Photography",
    subject="Grey Heron in Reeds",
    location="Amstelveen_Netherlands",
    original_name="heron_sunrise_01.jpg",
    taken_at="2026:11:21 08:05:00",
    light={"tone": "dim", "contrast": "high", "warmth": "cool", "colours": ("grey", "blue"), "shape": "landscape"},
)
GOOD = Texts(
    "A grey heron stands in shallow water beside dry reeds at sunrise.",
    "Long-legged grey heron, half hidden by brown stems, with its bill close to still water.",
    ("grey heron", "shallow water", "reeds", "sunrise", "wading", "waterside", "brown stems", "bill", "calm"),
)


@dataclass
class Held:
    captions: frozenset[str] = frozenset()
    alts: frozenset[str] = frozenset()

    def caption(self, text: str) -> bool:
        return text in self.captions

    def alt_text(self, text: str) -> bool:
        return text in self.alts


def judged(draft: Texts, facts: Facts = FACTS, seen: Held | None = None, **more: object) -> Accepted | Rejected:
    return judge(draft, facts, resolve(facts), PACKS, seen or Held(), **more)  # type: ignore[arg-type]


def test_a_good_draft_is_accepted_as_it_is() -> None:
    told = judged(GOOD)
    assert isinstance(told, Accepted)
    assert (told.texts.caption, told.texts.alt_text) == (GOOD.caption, GOOD.alt_text)
    assert told.flags == ()
    assert len(told.texts.keywords) == 12


def test_every_mended_word_is_recorded() -> None:
    draft = replace(GOOD, caption="A bird stands in shallow water  beside dry reeds at sunset near distant hills")
    told = judged(draft)
    assert isinstance(told, Accepted)
    assert told.texts.caption == "A grey heron stands in shallow water beside dry reeds at sunrise."
    assert {change.rule for change in told.changes} == {
        TIDIED, "species.named", "time-of-day.sunrise", "lowland-nl.slope",
    }  # fmt: skip
    for change in told.changes:
        assert change.before != change.after
        assert change.reason


def test_what_cannot_be_mended_is_rejected_with_sentences_for_the_next_request() -> None:
    told = judged(replace(GOOD, caption="The heron is maybe waiting in the water beside dry reeds."))
    assert isinstance(told, Rejected)
    assert told.reasons == ("caption: say what is seen, not what may be",)
    assert told.codes == ("general.uncertain:caption",)


@pytest.mark.parametrize(
    ("caption", "code"),
    [
        ("Open terrain view of scene with context.", "phrases.empty:caption"),
        ("Mountains rise beside the water behind a grey heron.", "lowland-nl.mountain:caption"),
        ("A heron.", "caption_word_count"),
        ("A grey heron stands in water. It waits beside dry reeds.", "caption_sentences"),
        ("", "caption_empty"),
    ],
)
def test_known_bad_captions_are_rejected(caption: str, code: str) -> None:
    told = judged(replace(GOOD, caption=caption))
    assert isinstance(told, Rejected)
    assert code in told.codes


def test_a_caption_that_is_too_short_after_cutting_is_rejected() -> None:
    told = judged(replace(GOOD, caption="A grey heron stands near distant hills beside the mountains."))
    assert isinstance(told, Rejected)
    assert "caption_word_count" in told.codes


def test_texts_of_other_photos_are_rejected() -> None:
    told = judged(GOOD, seen=Held(frozenset({GOOD.caption}), frozenset({GOOD.alt_text})))
    assert isinstance(told, Rejected)
    assert told.codes == ("duplicate_caption", "duplicate_alt_text")


def test_evidence_of_the_picture_lets_a_visible_street_stand() -> None:
    draft = replace(GOOD, caption="A grey heron stands on a wet street beside dry reeds at sunrise.")
    told = judged(draft, evidence=["street", "grey heron"])
    assert isinstance(told, Accepted)
    assert "street" in told.texts.caption
    assert told.evidence == ("street", "grey heron")
    cut = judged(draft)
    assert isinstance(cut, Accepted)
    assert "street" not in cut.texts.caption


def test_disagreeing_cues_and_few_keywords_are_flagged() -> None:
    late = judged(GOOD, replace(FACTS, taken_at="2026:11:21 19:30:00"))
    assert isinstance(late, Accepted)
    assert CUES_DISAGREE in late.flags
    bare = Facts(folder_key="birds", subject="Grey Heron in Reeds")
    few = judged(replace(GOOD, keywords=(), caption=GOOD.caption.replace("sunrise", "noon")), bare)
    assert isinstance(few, Accepted)
    assert FEW_KEYWORDS in few.flags


def test_what_the_template_writes_is_always_accepted_without_a_change() -> None:
    for ordinal in range(40):
        facts = replace(FACTS, ordinal=ordinal, set_size=40)
        told = judged(templates.write(facts, resolve(facts)), facts)
        assert isinstance(told, Accepted), told
        assert told.changes == ()


def test_an_accepted_text_is_accepted_again_unchanged() -> None:
    first = judged(replace(GOOD, caption="A bird stands in shallow water beside dry reeds at sunset."))
    assert isinstance(first, Accepted)
    second = judged(first.texts)
    assert isinstance(second, Accepted)
    assert second.texts == first.texts
    assert second.changes == ()


def test_keywords_pass_the_guardrails_and_keep_any_letters() -> None:
    told = judged(replace(GOOD, keywords=("Canon EOS R5", "sunset", "black-headed gull", "Straße", "usa", "mountain")))
    assert isinstance(told, Accepted)
    assert {"black-headed gull", "straße"} <= set(told.texts.keywords)
    assert not {"usa", "mountain", "sunset", "canon eos r5"} & set(told.texts.keywords)

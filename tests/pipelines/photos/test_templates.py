from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.pipelines.photos.cues import resolve
from penstock.pipelines.photos.facts import Facts, Light, Texts
from penstock.pipelines.photos.rules import apply, load
from penstock.pipelines.photos.sentences import checks
from penstock.pipelines.photos.speech import own_lines
from penstock.pipelines.photos.templates import trace, write

PACKS = load()
COLOURS = ("blue", "grey", "green", "brown", "orange", "white", "black", "yellow", "red")


def light(i: int) -> Light:
    return {
        "tone": ("dark", "dim", "balanced", "bright")[i % 4],
        "contrast": ("low", "medium", "high")[i % 3],
        "warmth": ("warm", "neutral", "cool")[i // 2 % 3],
        "colours": tuple(dict.fromkeys((COLOURS[i % 9], COLOURS[i // 3 % 9], COLOURS[i // 7 % 9]))),
        "shape": ("landscape", "portrait", "square", "panorama")[i // 5 % 4],
        "sharp": ("sharp", "soft")[i % 2],
    }


def clock(i: int, day: int = 1) -> str:
    seconds = 6 * 3600 + i * 47
    return f"2026:11:{day:02d} {seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def a_set(folder: str, subject: str, location: str, name: str = "") -> Facts:
    key = folder.split()[0].casefold()
    return Facts(folder_key=key, folder_name=folder, subject=subject, location=location, original_name=name)


SETS = (
    a_set("Birds Photography", "Grey_Heron_In_Reeds", "Amstelveen_Netherlands"),
    a_set("Nature Landscape Photography", "Grey_Heron_In_Reeds", "Amstelveen_Netherlands"),
    a_set("misc", "Überführung der Straßenbahn", ""),
)
FAMILIES = (
    a_set("People Creative Collection", "Street Musicians", "Gouda_Netherlands"),
    a_set("Cityscape Photography", "KLM Headquarters", "Amstelveen_Netherlands"),
    a_set("Macro Photography", "", "Zürich_Switzerland"),
    a_set("Night Photography", "Fireworks", ""),
    a_set("Aviation Photography", "Boeing 747-400", "Schiphol_Airport"),
    a_set("Architecture", "St. Mary's Church", "Gent_Belgium"),
    a_set("Nature", "Polder at Dawn", "Gouda_Netherlands", "sunrise.jpg"),
    a_set("Glassball", "Canal", "Amsterdam_Netherlands"),
    a_set("Water Photography", "Vinkeveense Plassen in the Early Days of a Long Winter", "Vinkeveen_Netherlands"),
    a_set("Macro Photography", "Polder in Mist", "Zürich_Switzerland"),
    Facts(),
)


def problems(texts: Texts, facts: Facts) -> list[object]:
    cues = resolve(facts)
    ruled = apply(texts, facts, cues, PACKS)
    return [
        *checks(texts.caption, texts.alt_text, own_lines(facts, cues)),
        *ruled.rejections,
        *ruled.changes,
        *trace(texts, facts, cues),
    ]


def photos(count: int, *, timed: bool = True, lit: bool = True) -> list[Facts]:
    """`count` photos of a few sets, two of which share subject and place."""
    found = []
    for i in range(count):
        at, ordinal = i % len(SETS), i // len(SETS)
        facts = replace(SETS[at], ordinal=ordinal, set_size=count // len(SETS))
        facts = replace(facts, taken_at=clock(ordinal, at + 1)) if timed else facts
        found.append(replace(facts, light=light(i)) if lit else facts)
    return found


@pytest.mark.parametrize(("timed", "lit"), [(True, True), (False, True), (True, False), (False, False)])
def test_of_300_photos_of_a_few_sets_nearly_all_captions_and_alt_texts_differ(timed: bool, lit: bool) -> None:
    written = [write(facts, resolve(facts)) for facts in photos(300, timed=timed, lit=lit)]
    assert len({texts.caption for texts in written}) >= 285
    assert len({texts.alt_text for texts in written}) >= 285


def test_every_text_passes_the_guardrails_and_checks_and_every_word_is_a_fact() -> None:
    for facts in photos(120):
        texts = write(facts, resolve(facts))
        assert problems(texts, facts) == [], texts
        assert 10 <= len(texts.keywords) <= 12


@pytest.mark.parametrize("at", range(len(FAMILIES)))
def test_every_family_of_folders_gets_readable_texts(at: int) -> None:
    for i in range(30):
        facts = replace(FAMILIES[at], light=light(i), taken_at=clock(i) if i % 3 else "", ordinal=i, set_size=30)
        texts = write(facts, resolve(facts))
        assert problems(texts, facts) == [], texts


def test_the_folder_decides_what_a_view_is_called() -> None:
    views = {
        key: write(Facts(folder_key=key, subject="Old Mill", light=light(2)), resolve(Facts(folder_key=key))).alt_text
        for key in ("macro", "night", "cityscape", "aviation", "architecture", "nature", "people")
    }
    for key, word in (
        ("macro", "close-up"),
        ("night", "night"),
        ("cityscape", "city"),
        ("aviation", "aviation"),
    ):
        assert f"{word} view" in views[key].casefold()
    assert "View of Old Mill" in views["people"]


def test_the_same_facts_give_the_same_texts_and_a_variant_another() -> None:
    facts = photos(9)[4]
    cues = resolve(facts)
    assert write(facts, cues) == write(facts, cues)
    variants = [write(facts, cues, variant=n) for n in range(8)]
    assert len({texts.caption for texts in variants}) == 8
    assert all(problems(texts, facts) == [] for texts in variants)
    assert "number 2 of 3" in variants[5].caption


def test_sets_that_are_alike_in_everything_are_told_apart_by_their_file_names_at_last() -> None:
    one, other = (a_set("misc", "Old Mill", "Gouda_Netherlands", name) for name in ("IMG_0042.jpg", "IMG_0043.jpg"))
    one, other = (replace(facts, light=light(1)) for facts in (one, other))
    assert write(one, resolve(one)) == write(other, resolve(other))
    texts = [write(facts, resolve(facts), variant=16) for facts in (one, other)]
    assert texts[0].caption != texts[1].caption
    assert texts[0].alt_text != texts[1].alt_text
    assert "file img 0042" in texts[0].caption
    assert problems(texts[0], one) == []


def test_a_clock_that_disagrees_with_the_file_name_is_not_quoted() -> None:
    facts = Facts(subject="Old Mill", original_name="sunrise.jpg", taken_at="2026:11:01 19:15:00", light=light(1))
    for variant in range(12):
        texts = write(facts, resolve(facts), variant=variant)
        assert "19:15" not in texts.caption + texts.alt_text
        assert "evening" not in texts.caption


def test_a_word_that_no_fact_holds_is_traced() -> None:
    facts = Facts(subject="Grey Heron", light=light(0))
    invented = Texts("A grey heron waits beside still water.", "Heron", ("heron", "peace"))
    assert trace(invented, facts, resolve(facts)) == ["waits", "still", "water", "peace"]


def test_measured_words_are_only_said_of_what_was_measured() -> None:
    facts = Facts(subject="Grey Heron")
    assert "tones" in trace(Texts("Grey heron with blue tones", "", ()), facts, resolve(facts))


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=150, deadline=None)
@given(words, words, words, st.integers(0, 500), st.integers(0, 9))
def test_any_subject_place_and_folder_give_sentences(
    subject: str, location: str, folder: str, ordinal: int, variant: int
) -> None:
    facts = Facts(
        folder_name=folder,
        subject=subject,
        location=location,
        ordinal=ordinal,
        set_size=501,
        light=light(ordinal),
    )
    texts = write(facts, resolve(facts), variant=variant)
    for text in (texts.caption, texts.alt_text):
        assert text
        assert text.isprintable()
        assert len(text.split()) <= 24

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.pipelines.photos.cues import resolve
from penstock.pipelines.photos.facts import Facts, Texts
from penstock.pipelines.photos.packs import Packs, RuleError, available, load, parse
from penstock.pipelines.photos.rules import Ruled, apply, reasons
from penstock.pipelines.photos.sentences import clean
from tests.pipelines.photos.rule_examples import (
    DUTCH,
    EXAMPLES,
    FLAGGED,
    HERON,
    REJECTED,
    Example,
    named,
    seeing,
)

ALL = load()
GOOD = "Still water."


def only(rule_id: str) -> Packs:
    return Packs(tuple(rule for rule in ALL.rules if rule.id == rule_id))


def ruled(example: Example, facts: Facts, packs: Packs) -> Ruled:
    texts = Texts("", "", (example.text,)) if example.keyword else Texts(example.text, example.text, ())
    return apply(texts, facts, resolve(facts), packs)


def test_every_rule_has_an_example_and_every_example_a_rule() -> None:
    assert {rule.id for rule in ALL.rules} == set(EXAMPLES)


@pytest.mark.parametrize("rule_id", sorted(EXAMPLES))
def test_a_rule_does_what_its_example_says(rule_id: str) -> None:
    example = EXAMPLES[rule_id]
    result = ruled(example, example.facts, only(rule_id))
    if example.after == REJECTED:
        assert [entry.rule for entry in result.rejections] == [rule_id] * 2
        assert reasons(result.rejections)
    elif example.after == FLAGGED:
        assert result.flags == (rule_id,)
        assert not result.changes
    elif example.keyword:
        assert ", ".join(result.texts.keywords) == example.after
        assert [change.rule for change in result.changes] == [rule_id]
    else:
        assert result.texts.caption == example.after
        assert {change.field for change in result.changes} <= {"caption", "alt_text"}
        assert all(change.before == example.text and change.reason for change in result.changes)


@pytest.mark.parametrize("rule_id", sorted(name for name, example in EXAMPLES.items() if example.passes))
def test_a_rule_leaves_alone_what_the_set_or_the_picture_supports(rule_id: str) -> None:
    example = EXAMPLES[rule_id]
    assert example.passes is not None
    result = ruled(example, example.passes, only(rule_id))
    assert (result.changes, result.flags, result.rejections) == ((), (), ())


@pytest.mark.parametrize("rule_id", sorted(EXAMPLES))
def test_applying_all_rules_twice_changes_nothing_more(rule_id: str) -> None:
    example = EXAMPLES[rule_id]
    first = ruled(example, example.facts, ALL)
    second = apply(first.texts, example.facts, resolve(example.facts), ALL)
    assert second.texts == first.texts
    assert not second.changes


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("A night heron stands in still water.", Facts(subject="Night Heron", original_name="sunrise.jpg")),
        ("A cathedral rises over the businesslike square.", Facts(folder_key="birds", subject="Cardinal")),
        ("Cars pass Sunset Boulevard.", Facts(subject="Sunset Boulevard", original_name="morning.jpg")),
        ("Ein Kirchturm über dem Wallgraben, mit Straßenbahn.", Facts(subject="Kirchturm")),
        ("A crowd of people crosses the street beside a brick wall.", seeing("people", "street", "wall")),
    ],
)  # fmt: skip
def test_names_parts_of_words_and_visible_things_are_left_alone(text: str, facts: Facts) -> None:
    result = apply(Texts(text, text, ()), facts, resolve(facts), ALL)
    assert result.texts.caption == text
    assert not result.rejections


def test_a_word_that_cannot_be_cut_cleanly_refuses_the_text_instead() -> None:
    text = "Mountains rise behind the farm and the water."
    result = apply(Texts(text, "", ()), DUTCH, resolve(DUTCH), only("lowland-nl.mountain"))
    assert result.texts.caption == text
    assert [entry.rule for entry in result.rejections] == ["lowland-nl.mountain"]


def test_a_mention_in_the_caption_supports_a_terrain_keyword() -> None:
    facts = seeing("trail")
    texts = Texts("A trail leads past the old windmill.", "", ("trail",))
    assert apply(texts, facts, resolve(facts), only("terrain.filler")).texts.keywords == ("trail",)


def test_the_sites_own_locations_are_places_that_may_not_be_invented() -> None:
    packs = load(["places"], places=["Gouda_Netherlands", "Frankendael_Park_Netherlands"])
    result = apply(Texts("", "", ("gouda", "frankendael park", "mill")), Facts(), resolve(Facts()), packs)
    assert result.texts.keywords == ("mill",)


def test_a_plural_subject_replaces_a_plural_only() -> None:
    facts = Facts(folder_key="birds", subject="Greylag Geese Herons")
    one = apply(Texts("A bird and two birds rest.", "", ()), facts, resolve(facts), only("species.named"))
    assert one.texts.caption == "A bird and two greylag geese herons rest."


def test_an_outing_is_no_species() -> None:
    facts = Facts(folder_key="birds", subject="Oosterpark Walk")
    texts = Texts("A bird rests on a branch.", "", ())
    assert apply(texts, facts, resolve(facts), only("species.named")).texts == texts


def test_the_article_follows_the_new_word() -> None:
    facts = Facts(folder_key="birds", subject="Osprey")
    assert apply(
        Texts("A bird rests on a post.", "", ()), facts, resolve(facts), only("species.named")
    ).texts.caption == ("An osprey rests on a post.")


def test_a_hyphenated_compound_goes_as_a_whole() -> None:
    text = "A windmill stands near a mountain-top under a pale sky."
    result = apply(Texts(text, "", ()), Facts(), resolve(Facts()), only("terrain.mountain"))
    assert result.texts.caption == "A windmill stands under a pale sky."


WORDS = st.sampled_from(
    "a the grey heron bird mountain mountains and or in near of with lake street stands rises under pale "
    "sky , . - sunset night beautiful maybe distant Belgium the valley over water rocky hills photo".split(" ")
)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=22), st.sampled_from([HERON, DUTCH, named("sunrise_1"), named("night_1")]))
def test_no_rule_leaves_doubled_spaces_or_broken_punctuation(words: list[str], facts: Facts) -> None:
    text = clean(" ".join(words))
    result = apply(Texts(text, text, tuple(words)), facts, resolve(facts), ALL)
    for sentence in (result.texts.caption, result.texts.alt_text):
        assert "  " not in sentence
        assert not re.search(r"\s[,.;:!?]|[,.;:]{2,}|\A[,.;:]|\ba\s+[aeiou]\w+ing\b.*\ba a\b", sentence)
        assert sentence == clean(sentence)
    if not result.rejections:
        assert apply(result.texts, facts, resolve(facts), ALL).texts == result.texts


def test_all_packs_come_with_the_program() -> None:
    assert set(available()) >= {
        "general",
        "lowland-nl",
        "time-of-day",
        "terrain",
        "people",
        "gear",
        "places",
        "phrases",
    }


GOOD_RULE = 'pack = "own"\n[[rule]]\nid = "x"\nscope = ["caption"]\naction = "cut"\nwords = ["foo"]\nreason = "why"\n'


def test_a_site_adds_its_own_rules(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(GOOD_RULE, encoding="utf-8")
    packs = load(["gear"], extra=tmp_path)
    assert packs.names == ("gear", "own")
    assert packs.rules[-1].id == "own.x"


@pytest.mark.parametrize(
    ("find", "put", "message"),
    [
        ('id = "x"', 'idd = "x"', 'own.toml, rule "without id", key "idd": unknown'),
        ('reason = "why"', "", 'rule "x", key "reason": a text is needed'),
        ('action = "cut"', 'action = "chop"', "'chop' is none of cut, replace"),
        ('scope = ["caption"]', 'scope = ["title"]', "key \"scope\": 'title' is none of caption"),
        ('scope = ["caption"]', "", 'key "scope": name one or more'),
        ('words = ["foo"]', "", 'key "words": give either words or a pattern'),
        ('words = ["foo"]', 'pattern = "("', 'key "pattern"'),
        ('words = ["foo"]', 'words = "foo"', 'key "words": a list of texts'),
        ('words = ["foo"]', 'words = ["foo"]\nonce = 1', 'key "once": true or false'),
        ('words = ["foo"]', 'words = ["foo"]\nwhen = {moon = ["full"]}', 'key "when.moon": unknown'),
        ('words = ["foo"]', 'words = ["foo"]\nwhen = ["x"]', 'key "when": a table of conditions'),
        (
            'words = ["foo"]',
            'words = ["foo"]\nunless = "guess"',
            "'guess' is none of context, evidence, mention",
        ),
        ('words = ["foo"]', 'words_from = "moon"', "'moon' is none of places"),
        (
            'words = ["foo"]',
            'words = ["foo"]\nwith = {a = "b"}',
            'key "with": it belongs to action "replace"',
        ),
        ('words = ["foo"]', 'words = ["foo"]\nwith = ["b"]', 'key "with": a table'),
        ('pack = "own"', "", 'key "pack": give the pack a name'),
        ('pack = "own"', 'pack = "own"\nfoo = 1', 'key "foo": only pack, title'),
        ('pack = "own"', "pack = ", "is not valid TOML"),
    ],
)
def test_a_wrong_rule_is_named_with_its_file_and_key(find: str, put: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(GOOD_RULE.replace(find, put), "own.toml")
    assert message in str(caught.value)
    assert "own.toml" in str(caught.value)


def test_unknown_packs_twins_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="no rule pack named 'moon'"):
        load(["moon"])
    with pytest.raises(RuleError, match="do not exist"):
        load(["gear"], extra=tmp_path / "none")
    (tmp_path / "a.toml").write_text(GOOD_RULE, encoding="utf-8")
    (tmp_path / "b.toml").write_text(GOOD_RULE, encoding="utf-8")
    with pytest.raises(RuleError, match="exists twice"):
        load(["gear"], extra=tmp_path)
    (tmp_path / "a.toml").write_bytes(b"\xff")
    with pytest.raises(RuleError, match="cannot be read"):
        load(["gear"], extra=tmp_path)

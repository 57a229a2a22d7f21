"""Applying the guardrails to the texts of one photo; every change is recorded, nothing is cut into a broken
sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from penstock.pipelines.photos.cues import Cues, species_of
from penstock.pipelines.photos.cutting import cut
from penstock.pipelines.photos.facts import Change, Facts, FieldName, Texts
from penstock.pipelines.photos.packs import Packs, Rule, RuleError, When, available, load
from penstock.pipelines.photos.sentences import FUNCTION_WORDS, article_for, clean
from penstock.pipelines.photos.words import Tokens, contains, contains_any, singular, tokens

__all__ = ["Packs", "RuleError", "Ruled", "apply", "available", "load"]

_SENTENCES: tuple[FieldName, ...] = ("caption", "alt_text")
_MAX_MATCHES = 40


@dataclass(frozen=True, slots=True)
class Rejection:
    """A text that a rule refuses: which rule, which field, and why."""

    rule: str
    field: FieldName
    reason: str


@dataclass(frozen=True, slots=True)
class Ruled:
    """Texts after the guardrails, the record of every change, ids of flagging rules, and refusals."""

    texts: Texts
    changes: tuple[Change, ...] = ()
    flags: tuple[str, ...] = ()
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """One photo, prepared for asking."""

    facts: Facts
    cues: Cues
    species: Tokens
    support: dict[str, tuple[Tokens, ...]]


def apply(texts: Texts, facts: Facts, cues: Cues, packs: Packs) -> Ruled:
    """The texts after every rule that concerns this photo; applying them again changes nothing more."""
    known = (*cues.context, *cues.evidence)
    case = _Case(facts, cues, species_of(facts, cues), {"context": cues.context, "evidence": known, "mention": known})
    ruled = Ruled(texts)
    rules = [rule for rule in packs.rules if any(_holds(when, case) for when in rule.when)]
    for name in _SENTENCES:
        for rule in rules:
            if name in rule.scope:
                ruled = _rule_sentence(ruled, name, rule, case)
    said = tuple(tokens(text) for text in (ruled.texts.caption, ruled.texts.alt_text))
    case = replace(case, support=case.support | {"mention": (*known, *said)})
    for rule in rules:
        if "keywords" in rule.scope:
            ruled = _rule_keywords(ruled, rule, case)
    return replace(ruled, flags=tuple(dict.fromkeys(ruled.flags)))


def _holds(when: When, case: _Case) -> bool:
    cues = case.cues
    if when.lowland not in (None, cues.lowland) or when.fireworks not in (None, cues.fireworks):
        return False
    if when.looked not in (None, case.facts.looked):
        return False
    asked = (
        (when.kind, cues.kind),
        (when.time_of_day, cues.time_of_day),
        (when.time_source, cues.sources.get("time_of_day", "")),
        (when.season, cues.season),
        (when.season_source, cues.sources.get("season", "")),
    )
    if any(wanted and actual not in wanted for wanted, actual in asked):
        return False
    if when.context and not contains_any(cues.context, when.context):
        return False
    return not (when.not_context and contains_any(cues.context, when.not_context))


def _rule_sentence(ruled: Ruled, name: FieldName, rule: Rule, case: _Case) -> Ruled:
    text: str = getattr(ruled.texts, name)
    matches = _matches(rule, text, case)
    if not matches:
        return ruled
    if rule.action in {"reject", "flag"}:
        return _noted(ruled, rule, name)
    after = _replaced(rule, text, case) if rule.action == "replace" else _without(rule, text, case)
    if after is None:
        return _noted(ruled, rule, name)
    after = clean(after)
    return _changed(ruled, rule, name, text, after) if after != text else ruled


def _noted(ruled: Ruled, rule: Rule, name: FieldName) -> Ruled:
    if rule.action == "flag":
        return replace(ruled, flags=(*ruled.flags, rule.id))
    return replace(ruled, rejections=(*ruled.rejections, Rejection(rule.id, name, rule.reason)))


def _changed(ruled: Ruled, rule: Rule, name: FieldName, before: str, after: str) -> Ruled:
    texts = replace(ruled.texts, caption=after) if name == "caption" else replace(ruled.texts, alt_text=after)
    return replace(ruled, texts=texts, changes=(*ruled.changes, Change(rule.id, name, before, after, rule.reason)))


def _rule_keywords(ruled: Ruled, rule: Rule, case: _Case) -> Ruled:
    before = ruled.texts.keywords
    after: list[str] = []
    flagged = False
    for keyword in before:
        if not _matches(rule, keyword, case):
            after.append(keyword)
        elif rule.action == "flag":
            after.append(keyword)
            flagged = True
        elif rule.action == "replace" and (new := _replaced(rule, keyword, case).strip()):
            after.append(new)
    kept = tuple(dict.fromkeys(after))
    if flagged:
        ruled = replace(ruled, flags=(*ruled.flags, rule.id))
    if kept == before:
        return ruled
    change = Change(rule.id, "keywords", ", ".join(before), ", ".join(kept), rule.reason)
    return replace(ruled, texts=replace(ruled.texts, keywords=kept), changes=(*ruled.changes, change))


def _matches(rule: Rule, text: str, case: _Case) -> list[re.Match[str]]:
    """The places where the rule bites: no support lets the word pass, and it is no part of the set's own names."""
    if not rule.pattern.search(text):
        return []
    lines = case.support.get(rule.unless, ())
    if not rule.words:
        return [m for m in rule.pattern.finditer(text) if not _supported(m.group(), lines)]
    if lines and not rule.each and contains_any(lines, rule.words):
        return []
    if "$species" in rule.replacements.values() and not _species_is_missing(text, case.species):
        return []
    found = [m for m in rule.pattern.finditer(text) if not _is_own_name(text, m, case)]
    if rule.each:
        found = [m for m in found if not _supported(m.group(), lines)]
    if rule.replacements:
        found = [m for m in found if _replacement(rule, m.group(), case) is not None]
    return found[:1] if rule.once else found


def _species_is_missing(text: str, species: Tokens) -> bool:
    words = {singular(word) for word in tokens(text)}
    return bool(species) and singular(species[-1]) not in words


def _supported(word: str, lines: Iterable[Tokens]) -> bool:
    phrase = tuple(map(singular, tokens(word)))
    return any(contains(tuple(map(singular, line)), phrase) for line in lines)


def _is_own_name(text: str, found: re.Match[str], case: _Case) -> bool:
    """Whether the word stands in a name that the set or the picture uses: "night" in "night heron"."""
    before, word, after = (
        tokens(text[: found.start()])[-1:],
        tokens(found.group()),
        tokens(text[found.end() :])[:1],
    )
    pairs = [part for part in ((*before, *word), (*word, *after)) if len(part) > len(word)]
    pairs = [part for part in pairs if not FUNCTION_WORDS & set(part)]
    return any(contains(line, part) for line in case.support["evidence"] for part in pairs)


def _replaced(rule: Rule, text: str, case: _Case) -> str:
    for found in reversed(_matches(rule, text, case)):
        new = _replacement(rule, found.group(), case) or ""
        text = _put(text, found.start(), found.end(), new)
    return text


def _replacement(rule: Rule, word: str, case: _Case) -> str | None:
    new = rule.replacements.get(" ".join(re.split(r"[\s-]+", word.casefold())))
    if new != "$species":
        return new
    if not case.species:
        return None
    many = singular(case.species[-1]) != case.species[-1]
    return " ".join(case.species) if many == (singular(word.casefold()) != word.casefold()) else None


def _put(text: str, start: int, end: int, new: str) -> str:
    """Put a word in the place of another, with its capital and the right article before it."""
    if new and text[start].isupper() and not text[start:end].isupper():
        new = new[0].upper() + new[1:]
    before = re.sub(
        r"\b([Aa])n?(\s+)\Z",
        lambda found: ("A" if found[1] == "A" else "a") + article_for(new)[1:] + found[2],
        text[:start],
    )
    return before + new + text[end:]


def _without(rule: Rule, text: str, case: _Case) -> str | None:
    """The text with every match cut, or None when one cannot be cut cleanly."""
    for _ in range(_MAX_MATCHES):
        matches = _matches(rule, text, case)
        if not matches:
            return text
        start, end = _whole_compound(text, matches[-1])  # a noun goes before its modifiers
        shorter = cut(text, start, end)
        if shorter is None or len(shorter) >= len(text):
            return None
        text = shorter
    return None


def _whole_compound(text: str, found: re.Match[str]) -> tuple[int, int]:
    """The match with what hyphens tie to it: of "mountain-top" nothing may stay behind."""
    start, end = found.span()
    while tied := re.search(r"[\w'’]+-\Z", text[:start]):
        start = tied.start()
    while tied_after := re.match(r"-[\w'’]+", text[end:]):
        end += tied_after.end()
    return start, end


def reasons(rejections: Sequence[Rejection]) -> tuple[str, ...]:
    """The refusals as sentences for a rewrite request."""
    return tuple(dict.fromkeys(f"{entry.field.replace('_', ' ')}: {entry.reason}" for entry in rejections))

"""Is a draft good enough to be shown to a person? Guardrails, cleaning, checks, keywords, duplicates, in this
order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from penstock.pipelines.photos import rules, sentences
from penstock.pipelines.photos.cues import Cues, evidence_of
from penstock.pipelines.photos.facts import Change, Facts, FieldName, Texts
from penstock.pipelines.photos.keywords import DEFAULT, FEWEST, finalise, tidy
from penstock.pipelines.photos.packs import Packs
from penstock.pipelines.photos.speech import own_lines

TIDIED = "sentences.tidied"
"""The name under which cleaning is recorded among the changes."""
FEW_KEYWORDS, CUES_DISAGREE = "keywords_few", "cues_disagree"
DUPLICATES = {
    "duplicate_caption": "another photo has the same caption",
    "duplicate_alt_text": "another photo has the same alt text",
}


class Seen(Protocol):
    """The texts that other photos hold."""

    def caption(self, text: str) -> bool:
        """Whether another photo holds this caption."""

    def alt_text(self, text: str) -> bool:
        """Whether another photo holds this alt text."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Texts that may wait for a person, with every change made on the way and what the person should look at."""

    texts: Texts
    changes: tuple[Change, ...] = ()
    flags: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a draft cannot be used: sentences for the next request, and their codes."""

    reasons: tuple[str, ...]
    codes: tuple[str, ...] = ()


def judge(
    draft: Texts,
    facts: Facts,
    cues: Cues,
    packs: Packs,
    seen: Seen,
    evidence: Sequence[str] = (),
    keywords_n: int = DEFAULT,
) -> Accepted | Rejected:
    """Accept the draft, mended where a rule allows it, or say what is wrong with it.

    `evidence` are words that a look at the picture confirmed, beside those that the facts hold already.
    """
    facts = _with_evidence(facts, evidence)
    cues = replace(cues, evidence=evidence_of(facts))
    tidied, changes = _tidied(draft)
    ruled = rules.apply(tidied, facts, cues, packs)
    wrong = _faults(ruled, facts, cues, seen)
    if wrong:
        return Rejected(tuple(wrong.values()), tuple(wrong))
    texts, keyword_changes = _with_keywords(ruled.texts, facts, cues, packs, keywords_n)
    flags = [*ruled.flags]
    flags += [FEW_KEYWORDS] if len(texts.keywords) < FEWEST else []
    flags += [CUES_DISAGREE] if cues.conflicts else []
    return Accepted(texts, (*changes, *ruled.changes, *keyword_changes), tuple(flags), facts.evidence)


def _with_evidence(facts: Facts, evidence: Sequence[str]) -> Facts:
    words = tuple(dict.fromkeys((*facts.evidence, *evidence)))
    return replace(facts, evidence=words, looked=facts.looked or bool(evidence))


def _tidied(draft: Texts) -> tuple[Texts, tuple[Change, ...]]:
    keywords = tuple(dict.fromkeys(word for word in map(tidy, draft.keywords) if word))
    texts = Texts(sentences.clean(draft.caption), sentences.clean(draft.alt_text), keywords)
    pairs: tuple[tuple[FieldName, str, str], ...] = (
        ("caption", draft.caption, texts.caption),
        ("alt_text", draft.alt_text, texts.alt_text),
    )
    reason = "spelling of spaces, hyphens and punctuation"
    return texts, tuple(Change(TIDIED, name, was, now, reason) for name, was, now in pairs if was != now)


def _faults(ruled: rules.Ruled, facts: Facts, cues: Cues, seen: Seen) -> dict[str, str]:
    """Code → sentence; a text without words is not asked about its duplicates."""
    found = {
        f"{entry.rule}:{entry.field}": f"{entry.field.replace('_', ' ')}: {entry.reason}" for entry in ruled.rejections
    }
    texts = ruled.texts
    for code in sentences.checks(texts.caption, texts.alt_text, own_lines(facts, cues)):
        found[code] = sentences.explain(code)
    if texts.caption and seen.caption(texts.caption):
        found["duplicate_caption"] = DUPLICATES["duplicate_caption"]
    if texts.alt_text and seen.alt_text(texts.alt_text):
        found["duplicate_alt_text"] = DUPLICATES["duplicate_alt_text"]
    return found


def _with_keywords(texts: Texts, facts: Facts, cues: Cues, packs: Packs, n: int) -> tuple[Texts, tuple[Change, ...]]:
    """Keywords filled up from facts; what they bring in passes the same guardrails."""
    filled = replace(texts, keywords=finalise(texts.keywords, facts, cues, n))
    again = rules.apply(filled, facts, cues, packs)
    return replace(texts, keywords=again.texts.keywords), tuple(c for c in again.changes if c.field == "keywords")

"""Texts without a model: deterministic sentences that say only what is stored about a photo.

Used as the embedded provider and as the fallback when every model attempt failed. A sentence is the subject and
a row of clauses, each a fact; which clauses, and in what order, is decided by the photo's place in its set, so
that neighbours read differently and a repeated run reads the same. No verb is used: what happens is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from penstock.pipelines.photos.cues import Cues
from penstock.pipelines.photos.facts import Facts, Texts
from penstock.pipelines.photos.keywords import DEFAULT, finalise
from penstock.pipelines.photos.sentences import (
    ALT_WORDS,
    CAPTION_WORDS,
    FUNCTION_WORDS,
    checks,
    clean,
    word_count,
)
from penstock.pipelines.photos.speech import Speech, list_of, own_lines, sayable, speech_of
from penstock.pipelines.photos.words import Tokens, tokens

VERSION = "template-1"
"""Changes with the wording, so that a stored text tells what made it."""
NEUTRAL = frozenset({"view", "mostly", "mainly", "series", "taken", "file"})
"""The only content words that no fact has to support; they say that there is a picture, and how a list is meant."""
_NUMBERED_VARIANT, _NAMED_VARIANT = 4, 16

Clause = Callable[[Speech], str]


def write(facts: Facts, cues: Cues, n_keywords: int = DEFAULT, variant: int = 0) -> Texts:
    """Caption, alt text and keywords from the facts.

    Another `variant` gives another wording: from 4 on with the photo's number, which no other photo of the set
    shares, from 16 on with its file name, for sets that are alike in everything else.
    """
    speech = speech_of(facts, cues)
    if variant >= _NAMED_VARIANT and speech.file:
        speech = replace(speech, number=speech.file, series="")
    turn = facts.ordinal + 5 * variant
    numbered = variant >= _NUMBERED_VARIANT or not speech.clock or not speech.colours
    own = own_lines(facts, cues)
    captions = (_caption(speech, turn + step, numbered) for step in range(len(_CAPTIONS)))
    caption = _first_sound(captions, lambda text: not _own_faults(text, own))
    alternatives = (_alt_text(speech, turn + step, numbered) for step in range(len(_ALTS)))
    alt_text = _first_sound(alternatives, lambda text: not checks(caption, text, own))
    return Texts(caption, alt_text, finalise((), facts, cues, n_keywords))


def trace(texts: Texts, facts: Facts, cues: Cues) -> list[str]:
    """The words of the texts that neither the facts nor the neutral words account for; [] when nothing is
    invented."""
    known = sayable(facts, cues) | FUNCTION_WORDS | NEUTRAL
    said = (*tokens(texts.caption), *tokens(texts.alt_text), *(w for k in texts.keywords for w in tokens(k)))
    return list(dict.fromkeys(word for word in said if word not in known))


def _first_sound(texts: Iterator[str], is_sound: Callable[[str], bool]) -> str:
    """The first text that passes, else the first of all: a person sees what no wording could mend."""
    first = next(texts)
    return first if is_sound(first) else next((text for text in texts if is_sound(text)), first)


def _own_faults(caption: str, own: tuple[Tokens, ...]) -> list[str]:
    return [code for code in checks(caption, "", own) if code.startswith("caption_")]


def _caption(speech: Speech, turn: int, numbered: bool) -> str:
    shape = [clause(speech) for clause in _CAPTIONS[turn % len(_CAPTIONS)]]
    spare = [_place, _when, _colours, _series, _light, _format, _contrast, _focus, _number]
    ending = _ending(speech, speech.subject, CAPTION_WORDS[1]) if numbered else ""
    return _sentence("", speech.subject, shape, [clause(speech) for clause in spare], ending, CAPTION_WORDS)


def _alt_text(speech: Speech, turn: int, numbered: bool) -> str:
    opening, clauses = _ALTS[(turn + turn // len(_ALTS)) % len(_ALTS)]
    view = opening(speech)
    subject = f" of {speech.subject}" if speech.named else ""
    shape = [clause(speech) for clause in clauses]
    spare = [_mostly, _light, _format, _contrast, _focus, _warmth, _place, _when, _series, _number]
    ending = _ending(speech, view + subject, ALT_WORDS[1]) if numbered else ""
    return _sentence(view, subject, shape, [clause(speech) for clause in spare], ending, ALT_WORDS)


def _ending(speech: Speech, start: str, most: int) -> str:
    """The photo's number, with its folder where there is room: sets may share subject, place and size."""
    if not speech.number:
        return ""
    for ending in (f" ({speech.number} {speech.series})", f" ({speech.number})"):
        if speech.series in ending and word_count(start + ending) <= most - 2:
            return ending
    return f" ({speech.number})"


def _sentence(view: str, subject: str, shape: list[str], spare: list[str], ending: str, limits: tuple[int, int]) -> str:
    """View, subject and as many clauses as fit; spare ones only until the sentence is long enough."""
    fewest, most = limits
    chosen: list[str] = []
    start = text = view + subject
    for at, clause in enumerate([*shape, *spare]):
        if at >= len(shape) and _is_enough(text + ending, fewest):
            break
        if not clause or _repeats([view, *chosen, ending], clause):
            continue
        longer = _assembled(start, [*chosen, clause])
        if word_count(longer + ending) <= most and _commas(longer, [*chosen, clause]) <= 2:
            chosen.append(clause)
            text = longer
    return clean(text + ending)


def _assembled(start: str, clauses: list[str]) -> str:
    """Plain clauses in their order, then the ones that are tied on by a comma."""
    text = start
    for clause in sorted(clauses, key=_is_added):
        text += (", " if _is_added(clause) or _ends_in_place(text, clauses) else " ") + clause
    return text


def _is_added(clause: str) -> bool:
    return clause.startswith(("mostly ", "mainly ", "from ", "taken "))


def _ends_in_place(text: str, clauses: list[str]) -> bool:
    """Whether the text ends in a place with its country, which asks for a comma after it."""
    return any("," in clause and not clause.startswith("with ") and text.endswith(clause) for clause in clauses)


def _commas(text: str, clauses: list[str]) -> int:
    """The commas that the checks count: all but the one inside a place."""
    return text.count(",") - sum(clause.count(",") for clause in clauses if clause.startswith(("in ", "at ", "on ")))


def _is_enough(text: str, fewest: int) -> bool:
    count = word_count(text)
    return count >= fewest + 3 or (count >= fewest and bool({"in", "on", "with"} & set(tokens(text))))


def _repeats(said: list[str], clause: str) -> bool:
    """Whether the clause says a word again; numbers may come twice."""
    before = {word for part in said for word in tokens(part)}
    ties = (FUNCTION_WORDS - {"with"}) | NEUTRAL
    return any(not word.isdigit() for word in (set(tokens(clause)) & before) - ties)


def _place(speech: Speech) -> str:
    return speech.place


def _series(speech: Speech) -> str:
    return speech.series


def _number(speech: Speech) -> str:
    return speech.number


def _day(speech: Speech) -> str:
    if not speech.day:
        return ""
    if speech.part in {"morning", "afternoon", "evening", "night"}:
        return f"on the {speech.part} of {speech.day}"
    return f"at {speech.part} on {speech.day}" if speech.part else f"on {speech.day}"


def _clock(speech: Speech) -> str:
    return speech.clock


def _moment(speech: Speech) -> str:
    """Clock, part of the day and date in one."""
    if not speech.clock:
        return _day(speech)
    if speech.part in {"morning", "afternoon", "evening", "night"}:
        return f"{speech.clock} on the {speech.part} of {speech.day}"
    return f"{speech.clock} on {speech.day}"


def _season(speech: Speech) -> str:
    return speech.season_part


def _when(speech: Speech) -> str:
    return _day(speech) or speech.season_part or (_part(speech))


def _part(speech: Speech) -> str:
    if not speech.part:
        return ""
    return f"in the {speech.part}" if speech.part in {"morning", "afternoon", "evening"} else f"at {speech.part}"


def _colours(speech: Speech) -> str:
    return f"with {list_of(speech.colours)} tones" if speech.colours else ""


def _mostly(speech: Speech) -> str:
    return f"mostly {list_of(speech.colours[:2])}" if speech.colours else ""


def _mainly(speech: Speech) -> str:
    return f"mainly {list_of(speech.colours[:2])}" if speech.colours else ""


def _light(speech: Speech) -> str:
    return f"in {speech.tone}" if speech.tone else ""


def _warmth(speech: Speech) -> str:
    return f"in {speech.warmth}" if speech.warmth else ""


def _contrast(speech: Speech) -> str:
    return f"with {speech.contrast}" if speech.contrast else ""


def _focus(speech: Speech) -> str:
    return f"in {speech.sharp}" if speech.sharp else ""


def _format(speech: Speech) -> str:
    return f"in {speech.shape}" if speech.shape else ""


_CAPTIONS: tuple[tuple[Clause, ...], ...] = (
    (_place, _moment),
    (_place, _season, _mostly, _clock),
    (_light, _moment),
    (_colours, _place, _clock),
    (_place, _clock, _mainly),
    (_contrast, _place, _moment),
    (_warmth, _season, _clock, _mostly),
    (_moment, _mostly),
    (_place, _clock, _light, _mainly),
    (_colours, _moment),
    (_series, _place, _moment),
    (_clock, _place, _colours),
)


def _plain_view(speech: Speech) -> str:
    return speech.view.capitalize()


def _coloured_view(speech: Speech) -> str:
    colours = list_of(speech.colours[:2])
    return f"{colours} {speech.view}".strip().capitalize()


def _lit_view(speech: Speech) -> str:
    return f"{speech.lit} {speech.view}".strip().capitalize()


def _formed_view(speech: Speech) -> str:
    word = speech.shape.split(" ")[0] if speech.shape and speech.shape != "landscape format" else ""
    return f"{word} {speech.view}".strip().capitalize()


_ALTS: tuple[tuple[Clause, tuple[Clause, ...]], ...] = (
    (_plain_view, (_light, _mostly, _clock)),
    (_coloured_view, (_light, _clock, _contrast)),
    (_lit_view, (_mainly, _clock)),
    (_formed_view, (_clock, _mostly, _contrast)),
    (_plain_view, (_warmth, _clock, _contrast)),
    (_coloured_view, (_focus, _clock)),
    (_lit_view, (_clock, _colours)),
)

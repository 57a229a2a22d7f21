"""Stored facts as words: the one table from which templates, keywords and the tracing test read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from penstock.pipelines.photos import lexicon
from penstock.pipelines.photos.cues import Cues, taken
from penstock.pipelines.photos.facts import Facts
from penstock.pipelines.photos.places import place_of
from penstock.pipelines.photos.sentences import FUNCTION_WORDS, article_for
from penstock.pipelines.photos.words import Tokens, file_tokens, tokens

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
SAYS: dict[tuple[str, str], str] = {
    ("tone", "dark"): "dark tones",
    ("tone", "dim"): "dim light",
    ("tone", "balanced"): "even light",
    ("tone", "bright"): "bright light",
    ("contrast", "low"): "soft contrast",
    ("contrast", "high"): "strong contrast",
    ("warmth", "warm"): "warm colours",
    ("warmth", "cool"): "cool colours",
    ("shape", "landscape"): "landscape format",
    ("shape", "portrait"): "upright format",
    ("shape", "square"): "square format",
    ("shape", "panorama"): "panoramic format",
    ("sharp", "soft"): "soft focus",
    ("sharp", "sharp"): "sharp focus",
}
"""What a measured value may be called; values that are not listed are not worth a word."""
LIT: dict[str, str] = {"dark": "dark", "dim": "dimly lit", "balanced": "evenly lit", "bright": "brightly lit"}
"""What a view in light of this tone may be called."""
KIND_VIEWS: dict[str, str] = {
    "macro": "close-up view",
    "night": "night view",
    "urban": "city view",
    "architecture": "architectural view",
    "aviation": "aviation view",
    "waterscape": "water view",
    "landscape": "landscape view",
    "glassball": "glassball view",
}
"""What a view may be called when the folder itself names the kind."""
_HOURS_OF = {"morning", "afternoon", "evening", "night"}
_AT_PLACES = frozenset({"airport", "station", "museum", "zoo", "stadium", "festival", "airfield", "terminal"})
_ON_PLACES = frozenset({"island", "beach", "street", "road", "avenue", "square", "canal", "coast"})
_MAX_SUBJECT = 8
_SAYABLE = (
    "tone", "contrast", "warmth", "shape", "sharp", "lit", "view", "number", "day", "clock", "part", "season_part",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Speech:
    """The facts of one photo as phrases; a phrase that nothing supports is ""."""

    subject: str
    named: bool
    place: str
    series: str
    number: str
    file: str
    day: str
    clock: str
    part: str
    season_part: str
    colours: tuple[str, ...]
    tone: str
    contrast: str
    warmth: str
    shape: str
    sharp: str
    lit: str
    view: str


def speech_of(facts: Facts, cues: Cues) -> Speech:
    """Every phrase that this photo's facts support."""
    moment = taken(facts)
    told = set(tokens(facts.subject))
    part = "" if cues.time_of_day in told else cues.time_of_day
    agrees = not any("clock" in conflict for conflict in cues.conflicts)
    series = folder_phrase(facts)
    return Speech(
        named=bool(subject_phrase(facts)),
        subject=subject_phrase(facts) or (f"{series[:1].upper()}{series[1:]} view" if series else "View"),
        place=_place_phrase(facts),
        series=_series_phrase(series) if subject_phrase(facts) else "",
        number=f"number {facts.ordinal + 1} of {facts.set_size}" if facts.set_size > 1 else "",
        file=_file_phrase(facts),
        day=f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}" if moment else "",
        clock=_clock(moment, _place_phrase(facts)) if moment and agrees else "",
        part=part,
        season_part=_season_part(cues, part, moment if agrees else None, told),
        colours=tuple(facts.light.get("colours", ()))[:3],
        tone=_say(facts, "tone"),
        contrast=_say(facts, "contrast"),
        warmth=_say(facts, "warmth"),
        shape=_say(facts, "shape"),
        sharp=_say(facts, "sharp"),
        lit=LIT.get(str(facts.light.get("tone", "")), ""),
        view=_view(cues),
    )


def subject_phrase(facts: Facts) -> str:
    """The subject as it stands in a sentence: as written, small words small, at most eight words."""
    words = [word for word in re.split(r"[\s_]+", _visible(facts.subject)) if any(c.isalnum() for c in word)]
    words = [words[0], *(w.casefold() if w.casefold() in FUNCTION_WORDS else w for w in words[1:])] if words else []
    words = [word.strip(".,;:!?()[]\"'“”‘’«»–—-") for word in words[:_MAX_SUBJECT]]
    while len(words) > 1 and words[-1].casefold() in FUNCTION_WORDS:
        words.pop()
    phrase = " ".join(words)
    return phrase if any(char.isupper() for char in phrase[:2]) else phrase[:1].upper() + phrase[1:]


def folder_phrase(facts: Facts) -> str:
    """The folder's name without the word photography, in lower case."""
    name = facts.folder_name or facts.folder_key
    return " ".join(word for word in tokens(name) if word not in {"photography", "photo", "photos", "misc"})


def list_of(words: tuple[str, ...]) -> str:
    """ "blue", "blue and grey", "blue, grey and brown"."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def sayable(facts: Facts, cues: Cues) -> frozenset[str]:
    """Every word that the facts support, in lower case."""
    speech = speech_of(facts, cues)
    lines: list[Tokens] = [*cues.context, *cues.evidence, *map(tokens, facts.light.get("colours", ()))]
    lines += [tokens(getattr(speech, name)) for name in _SAYABLE]
    lines.append(("tones",) if speech.colours else ())
    moment = taken(facts)
    if moment:
        lines.append(tokens(f"{moment:%H %M} {MONTHS[moment.month - 1]} {moment.year}"))
    return frozenset(word for line in (*lines, (cues.time_of_day, cues.season)) for word in line)


def own_lines(facts: Facts, cues: Cues) -> tuple[Tokens, ...]:
    """The set's own wordings, which the checks hold against no text; the shortened subject is one of them."""
    return (*cues.context, tokens(subject_phrase(facts)))


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:200]


def _say(facts: Facts, name: str) -> str:
    return SAYS.get((name, str(facts.light.get(name, ""))), "")


def _place_phrase(facts: Facts) -> str:
    place = place_of(facts.location)
    if place.name and place.name.casefold() in facts.subject.replace("_", " ").casefold():
        place = place_of(place.country)
    spoken = place.spoken()
    last = (tokens(place.name) or ("",))[-1]
    how = "at" if last in _AT_PLACES else "on" if last in _ON_PLACES else "in"
    return f"{how} {spoken}" if spoken else ""


def _file_phrase(facts: Facts) -> str:
    words = file_tokens(facts.original_name)
    return " ".join(["file", *words]) if 0 < len(words) <= 4 else ""


def _series_phrase(series: str) -> str:
    if not series:
        return ""
    return f"from the {series}" if series.split()[-1] in lexicon.OUTING_WORDS else f"from the {series} series"


def _clock(moment: datetime, place: str) -> str:
    """Minutes as people say them, so that pictures taken seconds apart read apart."""
    if moment.second < 20:
        return f"just after {moment:%H:%M}"
    if moment.second >= 40:
        return f"just before {_next_minute(moment)}"
    return f"taken at {moment:%H:%M}" if place.startswith("at ") else f"at {moment:%H:%M}"


def _next_minute(moment: datetime) -> str:
    return f"{moment + timedelta(seconds=60 - moment.second):%H:%M}"


def _season_part(cues: Cues, part: str, moment: datetime | None, told: set[str]) -> str:
    when = MONTHS[moment.month - 1] if moment else cues.season
    if not when or when.casefold() in told:
        return ""
    if part in _HOURS_OF:
        return f"on {article_for(when)} {when} {part}"
    return f"at {part} in {when}" if part else f"in {when}"


def _view(cues: Cues) -> str:
    if cues.sources.get("kind") != "folder":
        return "view"
    if cues.kind == "night" and lexicon.CLASH.get(cues.time_of_day, "night") != "night":
        return "view"
    return KIND_VIEWS.get(cues.kind, "view")

"""Time of day, season, kind and terrain of a photo, resolved from its facts: file-name words first, then the
clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from penstock.adapters.photo.hints import threshold
from penstock.pipelines.photos import lexicon
from penstock.pipelines.photos.facts import Facts
from penstock.pipelines.photos.places import SOUTHERN, TROPICAL, country_in
from penstock.pipelines.photos.sentences import FUNCTION_WORDS
from penstock.pipelines.photos.sun import sun_height
from penstock.pipelines.photos.words import (
    Tokens,
    contains,
    contains_any,
    file_tokens,
    singular,
    tokens,
    with_plural,
)

_TROPIC = 23.44
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?\Z", re.ASCII)
_TAKEN = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
_SEASONS = ("winter", "spring", "summer", "autumn")


@dataclass(frozen=True, slots=True)
class Cues:
    """What the rules and the templates may rely on.

    sources says where time_of_day, season and kind came from (filename, subject, sun, clock, date, folder,
    words); conflicts are sentences for the reviewer; sun_height is in degrees, None when it cannot be computed;
    context and evidence are lines of lower-case words: what the set says, and what a look at the picture confirmed.
    """

    time_of_day: str = ""
    season: str = ""
    kind: str = "general"
    lowland: bool = False
    fireworks: bool = False
    sun_height: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()
    context: tuple[Tokens, ...] = ()
    evidence: tuple[Tokens, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain dict for storage and for the review screen."""
        return asdict(self)


def resolve(facts: Facts) -> Cues:
    """All cues of one photo; sources that disagree are named in `conflicts`."""
    context, evidence = context_of(facts), evidence_of(facts)
    height = _height(facts)
    time_of_day, time_source, time_conflicts = _time_of_day(facts, height)
    season, season_source, season_conflicts = _season(facts)
    kind, kind_source = _kind(facts, evidence)
    return Cues(
        time_of_day=time_of_day,
        season=season,
        kind=kind,
        lowland=_lowland(facts, context),
        fireworks=contains_any((*context, *evidence), ("fireworks", "firework")),
        sun_height=None if height is None else round(height, 1),
        sources={
            name: source
            for name, source in (
                ("time_of_day", time_source),
                ("season", season_source),
                ("kind", kind_source),
            )
            if source
        },
        conflicts=(*time_conflicts, *season_conflicts),
        context=context,
        evidence=evidence,
    )


def context_of(facts: Facts) -> tuple[Tokens, ...]:
    """What the set says: folder, subject, location and file name, as lines of words."""
    lines = (
        tokens(facts.folder_name),
        tokens(facts.folder_key),
        tokens(facts.subject),
        tokens(facts.location),
        file_tokens(facts.original_name),
    )
    return tuple(line for line in lines if line)


def evidence_of(facts: Facts) -> tuple[Tokens, ...]:
    """What the picture itself confirms: the independent look, and classifier labels above their threshold."""
    sure = (hint.label for hint in facts.hints if hint.score >= threshold(hint.family))
    return tuple(line for line in map(tokens, (*facts.evidence, *sure)) if line)


def taken(facts: Facts) -> datetime | None:
    """The camera's local time, or None when EXIF has none or a nonsensical one."""
    found = _TAKEN.match(facts.taken_at)
    if not found:
        return None
    try:
        return datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


def species_of(facts: Facts, cues: Cues) -> Tokens:
    """The specific name of the creature that the set is about, in lower case, or ().

    No list of species is kept: it is the head of the subject, else of the file name, when folder or picture say
    that the photo shows a creature and no word says that the name is a place, a building or an occasion.
    """
    seen = {word for line in cues.evidence for word in line}
    for line in (tokens(facts.subject), file_tokens(facts.original_name)):
        name = _head(line)
        if name and (cues.kind == "wildlife" or name[-1] in seen) and not _is_no_creature(name, facts):
            return name
    return ()


def _head(line: Tokens) -> Tokens:
    words: list[str] = []
    for word in line:
        if word in FUNCTION_WORDS or not word.isalpha() or len(words) == 3:
            break
        if word not in lexicon.TIME_WORDS or not _without_names(line).count(word):
            words.append(word)
    return tuple(words)


def _is_no_creature(name: Tokens, facts: Facts) -> bool:
    others = {word for kind, words in lexicon.KIND_WORDS.items() if kind not in {"wildlife", "macro"} for word in words}
    last = {name[-1], singular(name[-1])}
    generic = lexicon.GENERIC_CREATURES | lexicon.OUTING_WORDS | set(lexicon.SEASON_WORDS) | {"img", "dsc", "dscf"}
    return bool(last & (others | generic | set(tokens(facts.location)))) or len(name[-1]) < 3


def _height(facts: Facts) -> float | None:
    moment, offset = taken(facts), _OFFSET.match(facts.zone.strip())
    if moment is None or offset is None or facts.gps is None:
        return None
    hours = int(offset.group(2)) + int(offset.group(3) or 0) / 60
    return sun_height(moment, hours if offset.group(1) == "+" else -hours, *facts.gps)


def _time_of_day(facts: Facts, height: float | None) -> tuple[str, str, tuple[str, ...]]:
    measured, measured_source = _measured_time(facts, height)
    told, source = _told(facts, lexicon.TIME_WORDS)
    if len({lexicon.CLASH[word] for word in told} - {"night"}) > 1:
        names = " and ".join(sorted(told))
        return "", "", (f"the {source} names both {names}; no time of day is taken from it",)
    if not told:
        return measured, measured_source, ()
    word = told[0]
    if measured and not _fits(word, facts, height):
        clock = f"the camera's clock says {facts.taken_at[11:16]}" + ("" if height is None else f", sun {height:.0f}°")
        return word, source, (f"the {source} says {word}, but {clock}",)
    return word, source, ()


def _measured_time(facts: Facts, height: float | None) -> tuple[str, str]:
    moment = taken(facts)
    if moment is None:
        return "", ""
    if height is not None:
        return _time_by_sun(height, moment.hour), "sun"
    return _time_by_clock(moment.hour), "clock"


def _time_by_sun(height: float, hour: int) -> str:
    early = 1 <= hour < 12
    if height < -6:  # civil twilight has ended
        return "night"
    if height < -0.833:  # the upper limb is under the horizon, refraction included
        return "dawn" if early else "dusk"
    if height < 4:
        return "sunrise" if early else "sunset"
    return _time_by_clock(hour) if 5 <= hour < 22 else ("morning" if early else "evening")


def _time_by_clock(hour: int) -> str:
    for until, word in ((5, "night"), (12, "morning"), (13, "noon"), (18, "afternoon"), (22, "evening")):
        if hour < until:
            return word
    return "night"


def _fits(word: str, facts: Facts, height: float | None) -> bool:
    moment = taken(facts)
    if moment is None:
        return True
    first, before = lexicon.FITTING_HOURS[word]
    if not (first <= moment.hour < before or first <= moment.hour + 24 < before):
        return False
    if height is None:
        return True
    low, high = {
        "night": (-90, 0),
        "sunrise": (-10, 15),
        "dawn": (-20, 6),
        "sunset": (-10, 15),
        "dusk": (-20, 6),
    }.get(word, (-20, 90))
    return low <= height <= high


def _told(facts: Facts, words: Mapping[str, str]) -> tuple[list[str], str]:
    """The cue words of the file name, else of the subject, else of the folder, in their order."""
    lines = (
        ("filename", file_tokens(facts.original_name)),
        ("subject", tokens(facts.subject)),
        ("folder", tokens(f"{facts.folder_key} {facts.folder_name}")),
    )
    for source, line in lines:
        found = list(dict.fromkeys(words[word] for word in _without_names(line) if word in words))
        if found:
            return found, source
    return [], ""


def _without_names(line: Tokens) -> Tokens:
    kept = list(line)
    for name in lexicon.NOT_A_TIME:
        phrase = tokens(name)
        for start in range(len(kept) - len(phrase) + 1):
            if tuple(kept[start : start + len(phrase)]) == phrase:
                kept[start : start + len(phrase)] = [""] * len(phrase)
    return tuple(word for word in kept if word)


def _season(facts: Facts) -> tuple[str, str, tuple[str, ...]]:
    measured = _measured_season(facts)
    told, source = _told(facts, lexicon.SEASON_WORDS)
    if len(told) > 1:
        return "", "", (f"the {source} names both {' and '.join(told)}; no season is taken from it",)
    if not told:
        return measured, "date" if measured else "", ()
    if measured and measured != told[0]:
        return (
            told[0],
            source,
            (f"the {source} says {told[0]}, but the date {facts.taken_at[:10]} is {measured}",),
        )
    return told[0], source, ()


def _measured_season(facts: Facts) -> str:
    moment = taken(facts)
    south = _is_south(facts)
    if moment is None or south is None:
        return ""
    return _SEASONS[((moment.month % 12) // 3 + (2 if south else 0)) % 4]


def _is_south(facts: Facts) -> bool | None:
    """None where months name no season, or where it is unknown on which side of the equator the photo was taken."""
    if facts.gps is not None:
        return None if abs(facts.gps[0]) < _TROPIC else facts.gps[0] < 0
    country = country_in(tokens(facts.location))
    return None if not country or country in TROPICAL else country in SOUTHERN


def _kind(facts: Facts, evidence: tuple[Tokens, ...]) -> tuple[str, str]:
    for word in (*tokens(facts.folder_key), *tokens(facts.folder_name)):
        if word in lexicon.FOLDER_KINDS:
            return lexicon.FOLDER_KINDS[word], "folder"
    lines = ((tokens(facts.subject), file_tokens(facts.original_name)), (tokens(facts.location),), evidence)
    for group in lines:
        for kind, words in lexicon.KIND_WORDS.items():
            if contains_any(group, (form for word in words for form in with_plural(word))):
                return kind, "words"
    return "general", ""


def _lowland(facts: Facts, context: tuple[Tokens, ...]) -> bool:
    if contains_any(context, lexicon.MOUNTAIN_WORDS):
        return False
    country = country_in(tokens(facts.location))
    if facts.gps is not None and not country:
        return _in_dutch_lowland(*facts.gps)
    if country and country != "netherlands":
        return False
    return any(contains(line, (word,)) for line in context for word in lexicon.LOWLAND_WORDS)


def _in_dutch_lowland(latitude: float, longitude: float) -> bool:
    """A box around the Netherlands without its hilly south-east."""
    return 51.35 <= latitude <= 53.6 and 3.3 <= longitude <= 7.1

"""Guardrails as data: reading and checking the rule packs of `rules/*.toml` and of a site's own files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

from penstock.pipelines.photos.facts import FieldName
from penstock.pipelines.photos.places import AMBIGUOUS, COUNTRIES, STATES, place_of
from penstock.pipelines.photos.words import pattern_of

SCOPES: dict[str, FieldName] = {"caption": "caption", "alt": "alt_text", "keywords": "keywords"}
ACTIONS = ("cut", "replace", "drop", "reject", "flag")
SUPPORT = ("context", "evidence", "mention")
_RULE_KEYS = {
    "id", "scope", "action", "reason", "words", "words_from", "pattern", "with", "unless", "each", "exact_case",
    "once", "when",
}  # fmt: skip
_WHEN_LISTS = ("kind", "time_of_day", "time_source", "season", "season_source", "context", "not_context")
_WHEN_FLAGS = ("lowland", "fireworks", "looked")


class RuleError(ValueError):
    """A rule pack cannot be used; the message names file, rule and key."""


@dataclass(frozen=True, slots=True)
class When:
    """One set of conditions that must all hold; empty lists and None ask nothing."""

    kind: tuple[str, ...] = ()
    time_of_day: tuple[str, ...] = ()
    time_source: tuple[str, ...] = ()
    season: tuple[str, ...] = ()
    season_source: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    not_context: tuple[str, ...] = ()
    lowland: bool | None = None
    fireworks: bool | None = None
    looked: bool | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One guardrail.

    `when` holds alternatives, of which one must apply. `unless` lets supported words pass: context = what the
    set says, evidence = that and what the picture confirms, mention = that and what caption or alt text say;
    with `each` every word needs its own support, else one word of the group supports all. `once` replaces the
    first match only.
    """

    id: str
    scope: tuple[FieldName, ...]
    action: str
    reason: str
    pattern: re.Pattern[str]
    words: tuple[str, ...] = ()
    replacements: Mapping[str, str] = field(default_factory=dict)
    unless: str = ""
    each: bool = False
    once: bool = False
    when: tuple[When, ...] = (When(),)


@dataclass(frozen=True, slots=True)
class Packs:
    """The rules that a site has switched on, in the order in which they are applied."""

    rules: tuple[Rule, ...]
    names: tuple[str, ...] = ()


def available() -> tuple[str, ...]:
    """The names of the packs that come with the program."""
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in _own_files()))


def load(names: Sequence[str] | None = None, extra: Path | None = None, places: Sequence[str] = ()) -> Packs:
    """The named packs (all when None), then every *.toml of the site's own folder or file `extra`.

    `places` is the site's location list; its names count as places that a text may not invent. Raises RuleError
    for an unknown pack, an unreadable file or a wrong rule.
    """
    chosen = available() if names is None else tuple(names)
    files = {entry.name.removesuffix(".toml"): entry for entry in _own_files()}
    unknown = [name for name in chosen if name not in files]
    if unknown:
        raise RuleError(f"there is no rule pack named {unknown[0]!r}; choose from {', '.join(sorted(files))}")
    sources: list[tuple[str, Traversable | Path]] = [(f"rules/{files[name].name}", files[name]) for name in chosen]
    sources += [(str(path), path) for path in _extra_files(extra)]
    rules: list[Rule] = []
    for label, source in sources:
        rules += parse(_read(label, source), label, places)
    _no_twins(rules)
    return Packs(tuple(rules), (*chosen, *(Path(label).stem for label, _ in sources[len(chosen) :])))


def parse(text: str, label: str, places: Sequence[str] = ()) -> list[Rule]:
    """The rules of one pack; raises RuleError that names `label`, the rule and the key."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{label} is not valid TOML: {error}") from error
    pack = data.get("pack")
    if not isinstance(pack, str) or not pack:
        raise RuleError(f'{label}, key "pack": give the pack a name, as in pack = "terrain"')
    for key in data:
        if key not in {"pack", "title", "rule"}:
            raise RuleError(f'{label}, key "{key}": only pack, title and [[rule]] stand at the top')
    return [_rule(entry, pack, label, places) for entry in data.get("rule", [])]


def _own_files() -> list[Traversable]:
    folder = resources.files("penstock.pipelines.photos").joinpath("rules")
    return [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]


def _extra_files(extra: Path | None) -> list[Path]:
    if extra is None:
        return []
    if extra.is_dir():
        return sorted(extra.glob("*.toml"))
    if not extra.exists():
        raise RuleError(f"the site's own rules {extra} do not exist; create the file or clear the setting")
    return [extra]


def _read(label: str, source: Traversable | Path) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{label} cannot be read: {error}") from error


def _no_twins(rules: Sequence[Rule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError(f'rule "{rule.id}" exists twice; give one of the two another id')
        seen.add(rule.id)


def _rule(entry: Mapping[str, Any], pack: str, label: str, places: Sequence[str]) -> Rule:
    where = f'{label}, rule "{entry.get("id", "without id")}"'
    for key in entry:
        if key not in _RULE_KEYS:
            raise RuleError(f'{where}, key "{key}": unknown; known keys are {", ".join(sorted(_RULE_KEYS))}')
    for key in ("id", "action", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise RuleError(f'{where}, key "{key}": a text is needed')
    action = _one_of(entry["action"], ACTIONS, where, "action")
    replacements = _replacements(entry, action, where)
    words = (
        *_texts(entry.get("words", []), where, "words"),
        *_named_words(entry, where, places),
        *replacements,
    )
    return Rule(
        id=f"{pack}.{entry['id']}",
        scope=_scope(entry, where),
        action=action,
        reason=entry["reason"],
        pattern=_pattern(entry, words, where),
        words=words,
        replacements=replacements,
        unless=_one_of(entry.get("unless", ""), ("", *SUPPORT), where, "unless"),
        each=_flag(entry, "each", where),
        once=_flag(entry, "once", where),
        when=_when(entry.get("when", {}), where),
    )


def _scope(entry: Mapping[str, Any], where: str) -> tuple[FieldName, ...]:
    names = _texts(entry.get("scope", []), where, "scope")
    if not names:
        raise RuleError(f'{where}, key "scope": name one or more of {", ".join(SCOPES)}')
    return tuple(SCOPES[_one_of(name, tuple(SCOPES), where, "scope")] for name in names)


def _replacements(entry: Mapping[str, Any], action: str, where: str) -> dict[str, str]:
    table = entry.get("with", {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise RuleError(f'{where}, key "with": a table of word = "replacement" is needed')
    if (action == "replace") != bool(table):
        raise RuleError(f'{where}, key "with": it belongs to action "replace", and to it alone')
    return {" ".join(key.casefold().split()): value for key, value in table.items()}


def _named_words(entry: Mapping[str, Any], where: str, places: Sequence[str]) -> tuple[str, ...]:
    if "words_from" not in entry:
        return ()
    _one_of(entry["words_from"], ("places",), where, "words_from")
    own = [place_of(location).name for location in places]
    names = (*COUNTRIES, *STATES, *own)
    return tuple(dict.fromkeys(name for name in names if name and name not in AMBIGUOUS))


def _pattern(entry: Mapping[str, Any], words: tuple[str, ...], where: str) -> re.Pattern[str]:
    given = entry.get("pattern")
    if (given is None) == (not words):
        raise RuleError(f'{where}, key "words": give either words or a pattern')
    if given is None:
        return pattern_of(words, exact_case=_flag(entry, "exact_case", where))
    try:
        return re.compile(str(given), re.IGNORECASE)
    except re.error as error:
        raise RuleError(f'{where}, key "pattern": {error}') from error


def _when(value: Any, where: str) -> tuple[When, ...]:
    tables = value if isinstance(value, list) else [value]
    return tuple(_one_when(table, where) for table in tables)


def _one_when(table: Any, where: str) -> When:
    if not isinstance(table, dict):
        raise RuleError(f'{where}, key "when": a table of conditions, or a list of such tables, is needed')
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key in _WHEN_LISTS:
            found[key] = _texts(value, where, f"when.{key}")
        elif key in _WHEN_FLAGS:
            found[key] = _flag(table, key, where)
        else:
            raise RuleError(f'{where}, key "when.{key}": unknown; known are {", ".join(_WHEN_LISTS + _WHEN_FLAGS)}')
    return When(**found)


def _texts(value: Any, where: str, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise RuleError(f'{where}, key "{key}": a list of texts is needed')
    return tuple(value)


def _flag(table: Mapping[str, Any], key: str, where: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise RuleError(f'{where}, key "{key}": true or false is needed')
    return value


def _one_of(value: Any, known: tuple[str, ...], where: str, key: str) -> str:
    if value not in known:
        raise RuleError(f'{where}, key "{key}": {value!r} is none of {", ".join(name for name in known if name)}')
    return cast(str, value)

"""Plausible answers, derived from the request alone: one photo always gets the same words, others get others.

Two photos of a series differ in their first two words already, if the ids of the series span less than 1400.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

LOOKS = (
    "red grey green blue white yellow brown dark pale striped wooden metal painted weathered smooth rough "
    "round narrow curved bright faded polished rusty woven mossy dusty glossy speckled folded carved "
    "slender worn plain spotted ribbed tiled oval"
).split()
THINGS = (
    "bench fence gate door window roof chimney column lamp rope barrel basket bucket chair table bottle "
    "jar plate stair railing post banner flag wheel cart ladder pillar tile brick pebble leaf branch stem "
    "petal feather shell log box cloth kettle shelf"
).split()
ACTIONS = "stands rests leans sits lies".split()
LIGHTS = ("soft even light", "clear bright light", "dim grey light", "warm low light", "cool pale light")


class Words:
    """The words for one photo."""

    def __init__(self, prompt: str, image: str, again: float = 0.0) -> None:
        number = re.search(r"\bid\W{0,3}(\d+)", prompt)
        self.seed = int(number[1]) if number else int(hashlib.sha256((image or prompt).encode()).hexdigest()[:12], 16)
        self.again = int(again * 10)
        found = re.search(r"\bsubject\W{0,2}[:=]\W{0,3}([^\n,;\"]+)", prompt, re.IGNORECASE)
        self.subject = re.findall(r"[^\W\d_]{3,}", found[1].lower())[-2:] if found else []
        nonce = re.search(r"nonce\W{1,6}([A-Za-z0-9_-]+)", prompt)
        self.nonce = nonce[1] if nonce else ""
        count = re.search(r"(\d+) keywords", prompt)
        self.count = int(count[1]) if count else 12

    def pair(self, place: int) -> tuple[str, str]:
        """(look, thing): no two photos share the pair at one place."""
        number = self.seed + 11 * place
        return LOOKS[number % len(LOOKS)], THINGS[(number // len(LOOKS) + number) % len(THINGS)]

    def caption(self) -> str:
        """One sentence of 11 or 12 words."""
        (look, thing), (look2, thing2) = self.pair(0), self.pair(1)
        place = " ".join(["the", *self.subject]) if self.subject else f"a {look2} {thing2}"
        turn = self.seed + self.again
        action, light = ACTIONS[turn % len(ACTIONS)], LIGHTS[turn // 2 % len(LIGHTS)]
        return f"{look.capitalize()} {thing} {action} near {place} under {light}."

    def alt_text(self) -> str:
        """One sentence of 16 or 17 words, worded differently."""
        (look, thing), (look2, thing2), (look3, thing3) = self.pair(0), self.pair(1), self.pair(2)
        place = " ".join(["the", *self.subject]) if self.subject else "a plain floor"
        first = f"{look2.capitalize()} {thing2} next to one {look} {thing}"
        return f"{first} close to {place} and some {look3} {thing3} pieces."

    def evidence(self) -> list[str]:
        """What is to be seen: exactly the things that the texts name."""
        pairs = [self.pair(place) for place in range(3)]
        return list(dict.fromkeys([thing for _, thing in pairs] + [look for look, _ in pairs] + self.subject))

    def keywords(self, count: int) -> list[str]:
        """`count` different words, what is to be seen first."""
        more = [THINGS[(self.seed * 7 + step) % len(THINGS)] for step in range(len(THINGS))]
        more += [LOOKS[(self.seed + step) % len(LOOKS)] for step in range(len(LOOKS))]
        return list(dict.fromkeys([*self.subject, *self.evidence(), *more]))[:count]


def answer(schema: dict[str, Any], prompt: str, image: str = "", temperature: float = 0.0) -> dict[str, Any]:
    """An answer that fits `schema` and names the things of this photo."""
    words = Words(prompt, image, temperature)
    filled = _fill("", schema or _PHOTO, words, schema)
    assert isinstance(filled, dict)
    return filled


_PHOTO = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("caption", "alt_text", "nonce")},
}
_PHOTO["properties"] |= {"keywords": {"type": "array", "items": {"type": "string"}}}  # type: ignore[operator]


def _fill(name: str, rule: dict[str, Any], words: Words, root: dict[str, Any], index: int = 0) -> Any:
    if "$ref" in rule:
        return _fill(name, root["$defs"][rule["$ref"].removeprefix("#/$defs/")], words, root, index)
    for several in ("anyOf", "enum"):
        if several in rule:
            first = rule[several][0]
            return first if several == "enum" else _fill(name, first, words, root, index)
    if "const" in rule:
        return rule["const"]
    kind = rule.get("type", "string")
    if kind == "object":
        parts = rule.get("properties", {}).items()
        return {part: _fill(part, one, words, root, index) for part, one in parts}
    if kind == "array":
        return _list(name, rule, words, root)
    if kind in ("integer", "number"):
        return max(rule.get("minimum", 0), min(rule.get("maximum", 10), (words.seed + index) % 10))
    if kind in ("boolean", "null"):
        return True if kind == "boolean" else None
    return _text(name, rule, words, index)


def _list(name: str, rule: dict[str, Any], words: Words, root: dict[str, Any]) -> list[Any]:
    low, high = rule.get("minItems", 0), rule.get("maxItems", 1000)
    if name == "keywords":
        return words.keywords(min(max(words.count, low), high))
    if name == "evidence" and rule.get("items", {}).get("type") in (None, "string"):
        return words.evidence()[:high]
    return [_fill(name, rule.get("items", {}), words, root, index) for index in range(min(max(low, 3), high))]


def _text(name: str, rule: dict[str, Any], words: Words, index: int) -> str:
    if name == "nonce":
        return words.nonce
    if name == "caption":
        return words.caption()
    if name in ("alt", "alt_text"):
        return words.alt_text()
    if name == "evidence":
        return ", ".join(words.evidence())
    look, thing = words.pair(index + len(name))
    text = f"{look.capitalize()} {thing} {index + 1}"
    while len(text) < rule.get("minLength", 0):
        index += 1
        look, thing = words.pair(index + len(name))
        text += f". A {look} {thing} {ACTIONS[index % len(ACTIONS)]} near the {words.pair(index + 1)[1]}"
    return text[: rule.get("maxLength", len(text))]

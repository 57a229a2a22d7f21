"""From the text that a model wrote to data that can be trusted to have the asked shape."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from penstock.adapters.llm.model import Ask, BadAnswer
from penstock.adapters.llm.schema import mismatch

# Control characters, lone surrogates and marks that turn the reading direction: never part of a caption.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")


def read(text: str, ask: Ask) -> dict[str, Any]:
    """The object in `text`, checked against the ask's schema and nonce. Raises BadAnswer with the reason.

    Code fences and words around the object are tolerated; duplicate keys, NaN and infinities are not.
    """
    if not text.strip():
        raise BadAnswer("The model answered nothing.", code="empty")
    data = _lenient(_object(text), ask)
    given = data.get("nonce", "")
    if ask.nonce and given != ask.nonce and isinstance(given, str) and given:
        raise BadAnswer("The answer belongs to another item: its nonce is not the one that was sent.", code="nonce")
    reason = mismatch(data, ask.schema)
    if reason:
        raise BadAnswer(f"The answer has not the asked shape: {reason}.", code="schema")
    if ask.nonce and given != ask.nonce:
        raise BadAnswer("The answer does not repeat the nonce that was sent.", code="nonce")
    return data


def _lenient(data: dict[str, Any], ask: Ask) -> dict[str, Any]:
    """Where fields are optional, missing ones are empty, unknown ones dropped; a wrong nonce stays wrong."""
    if not ask.optional:
        return data
    properties = ask.schema.get("properties", {})
    empty = {name: [] if properties[name].get("type") == "array" else "" for name in ask.optional}
    known = {name: value for name, value in data.items() if name in properties}
    return {**empty, **({"nonce": ask.nonce} if "nonce" in ask.optional else {}), **known}


def clean(text: str) -> str:
    """`text` without control characters, lone surrogates and direction marks: valid UTF-8."""
    return _UNWANTED.sub("", text)


def _object(text: str) -> dict[str, Any]:
    start = text.find("{")
    if start < 0:
        raise BadAnswer(f"The answer holds no JSON object: {clean(text[:80])!r}.", code="json")
    try:
        data, _ = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"The answer is no valid JSON: {clean(str(error))[:120]}.", code="json") from error
    cleaned: dict[str, Any] = _cleaned(data)
    return cleaned


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return {clean(key): _cleaned(one) for key, one in value.items()}
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands there twice")
    return data


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_number)

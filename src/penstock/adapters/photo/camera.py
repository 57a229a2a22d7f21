"""One spelling per camera, from the make and model that makers write in many ways."""

from __future__ import annotations

import re
import unicodedata

UNKNOWN_CAMERA = "Unknown_Camera"
MAX_CHARACTERS = 40

_CORPORATE = {
    "corporation", "corp", "company", "co", "ltd", "limited", "inc", "gmbh", "ag", "kk", "llc",
    "imaging", "optical", "electronics", "camera", "computer", "techwin",
}  # fmt: skip
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV", "5": "V", "6": "VI"}
_MARK = re.compile(r"(?i)(?<=[\d ])\s*(?:mark|mk)[ ._-]?([1-6]|iv|v|vi|i{1,3})\b")
_CANON_MARK = re.compile(r"(?<=\d)m([2-6])\b")  # "EOS R5m2" is the R5 Mark II
_WORD = re.compile(r"[^\W_]+")


def camera_token(make: str, model: str) -> str:
    """Make and model without repetition, joined by underscores: `Canon_EOS_R5`; at most 40 characters.

    Company words are dropped and "Mark" has one spelling. `Unknown_Camera` when both are empty.
    """
    makers = [word for word in _words(make) if word.casefold() not in _CORPORATE] or _words(make)
    models = _words(_one_mark_spelling(make, model))
    repeated = {word.casefold() for word in makers}
    while models and models[0].casefold() in repeated:
        models.pop(0)
    words = makers + models
    while len("_".join(words)) > MAX_CHARACTERS and len(words) > 1:
        words.pop()
    return "_".join(words)[:MAX_CHARACTERS] or UNKNOWN_CAMERA


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text).replace("&", " and "))


def _one_mark_spelling(make: str, model: str) -> str:
    model = _MARK.sub(_roman, model)
    return _CANON_MARK.sub(_roman, model) if "canon" in f"{make} {model}".casefold() else model


def _roman(found: re.Match[str]) -> str:
    return f" Mark {_ROMAN.get(found.group(1), found.group(1).upper())}"

"""File names of published photos: Subject_Location_Folder_Photography_Camera_Year_NNN.JPG.

A name is safe on Windows, macOS, Linux, FTP and in MySQL keys: it holds letters and digits of any script,
underscores, one dot and "JPG", and never more than 150 characters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from penstock.adapters.photo.camera import UNKNOWN_CAMERA

MAX_CHARACTERS = 150
MAX_BYTES = 240
"""File systems allow 255 bytes; the rest is left for the temporary suffix of an upload."""
MAX_NUMBER = 999_999

_ROOM_FOR_NUMBER = len(f"_{MAX_NUMBER}.JPG")
_DANGLING = {
    "a",
    "an",
    "and",
    "at",
    "by",
    "de",
    "from",
    "in",
    "into",
    "near",
    "of",
    "on",
    "over",
    "the",
    "to",
    "with",
}
_NUMBER = re.compile(r"_(\d{3,})\.[A-Za-z]{3,4}\Z")
_EXTRA_FOLDS = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th",
        "ħ": "h", "ŋ": "n", "ı": "i", "ŧ": "t", "ſ": "s", "ς": "σ",
    }
)  # fmt: skip


class NameTooLong(ValueError):
    """The name does not fit into 150 characters, whatever words the subject gives up."""


@dataclass(frozen=True, slots=True)
class NameParts:
    """What a file name is made of; `camera` is a token of
    `penstock.adapters.photo.camera.camera_token`, `year` has four digits."""

    subject: str
    location: str
    folder: str
    camera: str
    year: int


def file_name(parts: NameParts, number: int) -> str:
    """The file name with this number; three digits, wider past 999.

    Raises ValueError for a number outside 1 to 999999, NameTooLong when a one-word subject is too long.
    """
    if not 1 <= number <= MAX_NUMBER:
        raise ValueError(f"file number {number} is outside 1 to {MAX_NUMBER}; a new subject starts a new series")
    return f"{stem(parts)}_{number:03d}.JPG"


def stem(parts: NameParts) -> str:
    """The name without its number; the subject is shortened at a word until any number fits."""
    words = token(parts.subject).split("_") if token(parts.subject) else []
    rest = [
        token(parts.location),
        folder_token(parts.folder),
        parts.camera or UNKNOWN_CAMERA,
        f"{parts.year:04d}",
    ]
    while True:
        name = "_".join(part for part in ["_".join(words), *rest] if part)
        if _fits(name):
            return name
        words = _without_last_word(words)
        if not words:
            raise NameTooLong(
                f'the name for subject "{parts.subject[:60]}" does not fit into {MAX_CHARACTERS} characters; '
                "shorten the subject, the location or the folder name"
            )


def series_key(parts: NameParts) -> str:
    """The key under which numbers are counted: equal for names that some file system would confuse."""
    return fold(stem(parts))


def next_number(series_max: int | None) -> int:
    """The number after the highest one used in the series; gaps are not filled."""
    return (series_max or 0) + 1


def parse_number(name: str) -> int | None:
    """The number at the end of a file name, or None when the name carries none."""
    found = _NUMBER.search(name)
    return int(found.group(1)) if found else None


def renumbered(name: str, number: int) -> str:
    """The same name, spelt the same, with another number; raises ValueError when it carries none."""
    found = _NUMBER.search(name)
    if not found:
        raise ValueError(f'file name "{name[:80]}" does not end in a number of three digits, so it has no next one')
    return f"{name[: found.start()]}_{number:03d}{name[found.end(1) :]}"


def fold(name: str) -> str:
    """The strictest comparison key: two names with equal keys may be one file or one row somewhere.

    As case-insensitive file systems and accent-insensitive collations compare: compatibility forms, case and
    accents are dropped, ligatures and strokes expanded, kana unified, digits of all scripts made equal.
    Characters beyond the basic plane are all equal, as older MySQL collations have them.
    """
    folded = name
    for _ in range(4):  # some compatibility forms decompose into letters that fold once more
        before = folded
        folded = _fold_once(folded)
        if folded == before:
            break
    return folded


def slug(text: str) -> str:
    """Letters and digits of any script joined by single underscores; "&" becomes "and", the case is kept."""
    normal = unicodedata.normalize("NFC", text).replace("&", " and ")
    kept = "".join(_kept(char) for char in normal)
    words = (_without_leading_marks(word) for word in kept.split())
    return unicodedata.normalize("NFC", "_".join(word for word in words if word))


def token(text: str) -> str:
    """A slug with the first letter of each part in upper case; words with inner capitals stay as they are."""
    return "_".join(_capitalised(part) for part in slug(text).split("_") if part)


def folder_token(folder: str) -> str:
    """The folder's part of the name, ending in "Photography" exactly once."""
    name = token(folder)
    if name.casefold().endswith("photography"):
        return name
    return f"{name}_Photography" if name else "Photography"


def year_of(taken_at: str, otherwise: int) -> int:
    """The year of an EXIF time "YYYY:MM:DD …", else the given one."""
    digits = taken_at[:4]
    return int(digits) if re.fullmatch(r"[12]\d{3}", digits, re.ASCII) else otherwise


def _fits(name: str) -> bool:
    decomposed = unicodedata.normalize("NFD", name)  # macOS may store it so, and that is longer
    return len(name) + _ROOM_FOR_NUMBER <= MAX_CHARACTERS and len(decomposed.encode()) + _ROOM_FOR_NUMBER <= MAX_BYTES


def _without_last_word(words: list[str]) -> list[str]:
    shorter = words[:-1]
    while len(shorter) > 1 and shorter[-1].casefold() in _DANGLING:
        shorter = shorter[:-1]
    return shorter


def _fold_once(text: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(_folded(char) for char in plain).translate(_EXTRA_FOLDS)


def _folded(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Mn", "Me", "Cf", "Cc"}:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if ord(char) > 0xFFFF:
        return "\ufffd"
    return chr(ord(char) - 0x60) if 0x30A1 <= ord(char) <= 0x30F6 else char


def _kept(char: str) -> str:
    if char.isalnum() or unicodedata.category(char) in {"Mn", "Mc"}:
        return char
    return "" if unicodedata.category(char) in {"Cf", "Cs"} else " "


def _without_leading_marks(word: str) -> str:
    start = next((i for i, char in enumerate(word) if char.isalnum()), len(word))
    return word[start:]


def _capitalised(part: str) -> str:
    upper = part[0].upper()
    return part if len(upper) != 1 or part[1:] != part[1:].lower() else upper + part[1:]

"""What is stored about one photo, its texts, and the record of every change to a text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypedDict

FieldName = Literal["caption", "alt_text", "keywords"]


class Light(TypedDict, total=False):
    """Light and colour as measured in the pixels of the upright working copy.

    tone: dark | dim | balanced | bright; contrast: low | medium | high; warmth: warm | neutral | cool; colours:
    up to three basic colour names, the largest first; sharp: soft | sharp; shape: landscape | portrait | square
    | panorama.
    """

    tone: str
    contrast: str
    warmth: str
    colours: tuple[str, ...]
    shape: str
    sharp: str


@dataclass(frozen=True, slots=True)
class Hint:
    """One label of the optional zero-shot classifier; `score` is its probability, 0 to 1."""

    family: str
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Texts:
    """The three texts of a photo."""

    caption: str
    alt_text: str
    keywords: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dict for storage; keywords become a list."""
        return {"caption": self.caption, "alt_text": self.alt_text, "keywords": list(self.keywords)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Texts:
        """Rebuild from `to_json`; missing fields are empty."""
        return cls(
            str(data.get("caption") or ""),
            str(data.get("alt_text") or ""),
            tuple(str(word) for word in data.get("keywords") or ()),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded change of one text: which rule, which field, before, after, and why."""

    rule: str
    field: FieldName
    before: str
    after: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """Plain dict for storage and for the review screen."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known about a photo and may be said.

    taken_at is "YYYY:MM:DD HH:MM:SS" in camera-local time or ""; zone is a UTC offset such as "+01:00" or "";
    gps is (latitude, longitude) in degrees; width and height are pixels of the upright picture; ordinal counts
    from 0 in its set; evidence holds words that an independent look at the picture confirmed, and `looked`
    tells an empty answer of that look from a look that never happened.
    """

    folder_key: str = ""
    folder_name: str = ""
    location: str = ""
    subject: str = ""
    original_name: str = ""
    taken_at: str = ""
    zone: str = ""
    gps: tuple[float, float] | None = None
    camera: str = ""
    lens: str = ""
    width: int = 0
    height: int = 0
    light: Light = field(default_factory=Light)
    ordinal: int = 0
    set_size: int = 1
    evidence: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()
    looked: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain dict for a child process or for storage."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Facts:
        """Rebuild from `to_json`; unknown keys raise TypeError: no misspelt fact is lost in silence."""
        given = dict(data)
        light = dict(given.get("light") or {})
        if "colours" in light:
            light["colours"] = tuple(light["colours"])
        gps = given.get("gps")
        given |= {
            "light": light,
            "gps": (float(gps[0]), float(gps[1])) if gps else None,
            "evidence": tuple(given.get("evidence") or ()),
            "hints": tuple(h if isinstance(h, Hint) else Hint(**h) for h in given.get("hints") or ()),
        }
        return cls(**given)

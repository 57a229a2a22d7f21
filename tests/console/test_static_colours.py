from __future__ import annotations

import re
from pathlib import Path

import pytest

import penstock.console

CSS = Path(penstock.console.__file__).parent / "static" / "console" / "console.css"
LIGHT, DARK = re.findall(r":root \{(.*?)\}", CSS.read_text(encoding="utf-8"), re.S)
PAIRS = [
    ("ink", "paper"), ("ink", "sheet"), ("ink", "hover"), ("ink", "good-wash"), ("soft", "paper"), ("soft", "sheet"),
    ("soft", "hover"), ("accent", "paper"), ("accent", "sheet"), ("accent-deep", "paper"), ("on-accent", "accent"),
    ("on-accent", "accent-deep"), ("warn", "warn-wash"), ("bad", "bad-wash"), ("bad", "paper"), ("bad", "sheet"),
]  # fmt: skip


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground_as_wcag_aa_asks(scheme: str, text: str, ground: str) -> None:
    """Contrast (L1 + 0.05) / (L2 + 0.05) of at least 4.5, WCAG 2.2, 1.4.3."""
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", LIGHT)) | dict(
        re.findall(r"--([\w-]+): (#[0-9a-f]{6});", scheme)
    )
    high, low = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

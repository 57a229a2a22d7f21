"""The project's documents, as text."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def documents() -> list[Path]:
    """Every Markdown file that a reader is meant to find."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def text(name: str) -> str:
    """A document by its path below the root."""
    return (ROOT / name).read_text(encoding="utf-8")

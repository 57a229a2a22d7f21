"""A row as data: brief for the list, whole for the one that is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from django.urls import reverse

from penstock.accounts.models import Site
from penstock.adapters.photo.rating import SCORES
from penstock.console import flagwords
from penstock.console.cards import LABELS, Card, Choices, last_decisions, shown
from penstock.console.listing import Filters, Listing
from penstock.console.scorewords import SCORE_NAMES
from penstock.engine.errors import NotFound
from penstock.ledger import rows
from penstock.ledger.rows import model_of
from penstock.pipelines.photos import regenerate
from penstock.review.gate import Gate

BRIEF = (
    "id", "revision", "stage", "state", "hold", "Review_Status", "File_Name", "Original_File_Name", "QC_Status", "QR",
    "flags", "near_group", "changes", "content_hash", "working_path", "ollama_path", "Folder", "set_id", "run",
    "alt_text", "edited", "batch", "Caption", "Keywords",
)  # fmt: skip
SHOWN_BY_BROWSERS = (".jpg", ".jpeg", ".png", ".webp")


@dataclass
class Sheets:
    """Rows of a site as data. Rows of other sites are as if they did not exist."""

    site: Site
    _choices: Choices | None = field(default=None, repr=False)

    @cached_property
    def gate(self) -> Gate:
        """The gate of the site's rows. Raises NotFound for a pipeline without one."""
        return Listing(self.site, Filters()).gate

    @cached_property
    def choices(self) -> Choices:
        """The site's folders and locations."""
        return Choices.of(self.site)

    def briefs(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """What the list shows, in the order of `ids`."""
        found: dict[int, dict[str, Any]] = {}
        for part in rows.chunks(list(ids)):
            there = model_of(self.gate.table).objects.filter(site=self.site, id__in=part).values(*BRIEF)
            found |= {row["id"]: row for row in there}
        return [self._brief(found[one]) for one in ids if one in found]

    def row(self, item: int) -> Mapping[str, Any]:
        """One row as it is stored. Raises NotFound for one that is not this site's."""
        found = rows.read(self.gate.table, [item])
        if not found or found[0]["site_id"] != self.site.pk:
            raise NotFound(f"site {self.site.name} has no item {item}")
        return found[0]

    def whole(self, ids: Iterable[int]) -> list[dict[str, Any]]:
        """All that is shown of rows, without what takes long to find."""
        found = [row for row in rows.read(self.gate.table, list(ids)) if row["site_id"] == self.site.pk]
        decisions = last_decisions(self.gate.table, [row["id"] for row in found])
        jobs = regenerate.newest(self.site, [row["id"] for row in found])
        cards = [Card(self.site, self.gate, row, self.choices, decisions.get(row["id"])) for row in found]
        return [{**self._brief(card.row), **self._more(card), "job": jobs.get(card.id)} for card in cards]

    def _brief(self, row: Mapping[str, Any]) -> dict[str, Any]:
        card = Card(self.site, self.gate, row, self.choices)
        return {
            "id": card.id,
            "revision": row["revision"],
            "title": card.title,
            "status": row["Review_Status"],
            "hold": bool(row["hold"]),
            "waiting": card.waiting,
            "undoable": card.undoable,
            "editable": card.editable,
            "qc": row["QC_Status"],
            "rating": row["QR"],
            "flags": flagwords.of_row(row),
            "changed": len(row["changes"]),
            "picture": self._picture(card) if card.picture else "",
            "alt": row["alt_text"] or row["Original_File_Name"],
        }

    def _more(self, card: Card) -> dict[str, Any]:
        row = card.row
        return {
            "seen": card.seen,
            "not_ready": card.not_ready,
            "problem": row["error"] if card.broken else "",
            "fields": {name: shown(row[name]) for name in LABELS},
            "edited": list(row["edited"]),
            "facts": card.facts,
            "scores": [
                {"name": SCORE_NAMES[name], "value": row[name], "by": row["scorers"].get(name, "")}
                for name in SCORES
                if row[name] is not None
            ],
            "written_by": card.provenance,
            "changes": [{**one, "pieces": pieces_of(one["pieces"])} for one in card.changes],
            "place": card.place,
            "run": row["run"] or "",
            "width": row["Width"],
            "height": row["Height"],
            "original": self._original(card),
            "near_group": row["near_group"],
            "decided": _decided(card),
        }

    def _picture(self, card: Card) -> str:
        return f"{reverse('picture', args=[self.site.name, card.id])}?v={card.version}"

    def _original(self, card: Card) -> str:
        """Where the original's own pixels are, when a browser can show them."""
        if Path(card.row["staged_path"]).suffix.lower() not in SHOWN_BY_BROWSERS:
            return ""
        return f"{reverse('original', args=[self.site.name, card.id])}?v={card.version}"


def pieces_of(found: Iterable[Any]) -> list[list[str]]:
    """A word diff as data."""
    return [[piece.kind, piece.text] for piece in found]


def _decided(card: Card) -> dict[str, str] | None:
    one = card.decision
    if one is None or card.decided is None:
        return None
    return {"word": card.decided["word"], "who": one.who, "at": one.at.isoformat(), "reason": one.reason}

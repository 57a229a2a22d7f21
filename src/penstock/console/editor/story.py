"""The story of a row: who did what to it, who wrote its texts when, and how they differ from what was generated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.accounts.models import Site
from penstock.console import worddiff
from penstock.console.cards import LABELS, VERDICTS, shown
from penstock.console.editor.sheet import pieces_of
from penstock.ledger import events
from penstock.ledger.models import Event
from penstock.review.gate import Gate
from penstock.review.models import Decision

TEXTS = ("Caption", "alt_text", "Keywords")
MOST = 100  # decisions that are told, newest first


def story(_site: Site, gate: Gate, row: Mapping[str, Any]) -> dict[str, Any]:
    """Plain data: `past` newest first, `written_at`, `diffs` per edited text."""
    decisions = list(Decision.objects.filter(table=gate.table, item=row["id"]).order_by("-id")[:MOST])
    first = generated(row, decisions)
    diffs = {name: pieces_of(worddiff.pieces(text, shown(row[name]))) for name, text in first.items()}
    return {"past": _past(row, decisions), "written_at": _written_at(gate, row, decisions), "diffs": diffs}


def generated(row: Mapping[str, Any], newest_first: Sequence[Decision]) -> dict[str, str]:
    """The texts as they were generated last, where a person changed them since."""
    found: dict[str, str] = {}
    settled: set[str] = set()
    for one in newest_first:
        for name in one.before:
            if name in TEXTS and name not in settled:
                settled |= {name} if one.verdict == "generated" else set()
                found |= {name: shown(one.before[name])} if one.verdict == "edited" else {}
    return {name: text for name, text in found.items() if text != shown(row[name])}


def _past(row: Mapping[str, Any], newest_first: Sequence[Decision]) -> list[dict[str, Any]]:
    """Each decision, with what it changed: a text before it, and as it was until the next change."""
    later, told = dict(row), []
    for one in newest_first:
        changes = []
        for name, before in one.before.items():
            pieces = pieces_of(worddiff.pieces(shown(before), shown(later.get(name))))
            changes += [{"field": LABELS[name], "pieces": pieces}] if name in LABELS else []
            later[name] = before
        word = _word(one)
        told.append({"word": word, "who": one.who, "at": one.at.isoformat(), "reason": one.reason, "changes": changes})
    return told


def _word(one: Decision) -> str:
    if set(one.before) == {"hold"}:
        return "Taken off hold" if one.before["hold"] else "Put on hold"
    return VERDICTS.get(one.verdict, one.verdict)


def _written_at(gate: Gate, row: Mapping[str, Any], newest_first: Sequence[Decision]) -> str:
    """When the texts were generated: by a person's wish, else by the run."""
    anew = next((one for one in newest_first if one.verdict == "generated"), None)
    if anew is not None:
        return anew.at.isoformat()
    found = Event.objects.filter(run=row["run"], stage="caption", kind="settled").order_by("-id")
    for event in found.iterator():
        if any((table, item) == (gate.table, row["id"]) for table, item, _, _ in events.unpacked(event.moves)):
            return event.at.isoformat()
    return ""

"""A row of the review page: everything that is shown of a photo, ready for the template, which escapes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from penstock.accounts.models import Site
from penstock.adapters.photo.rating import SCORES
from penstock.console import flagwords, worddiff
from penstock.console.scorewords import SCORE_NAMES
from penstock.console.when import when
from penstock.engine.states import ItemState
from penstock.pipelines.photos import taxonomy
from penstock.review.gate import Gate, fingerprint
from penstock.review.models import Decision

LABELS = {
    "Caption": "Caption",
    "alt_text": "Alt text",
    "Keywords": "Keywords",
    "File_Name": "File name",
    "Subject": "Subject",
    "Folder": "Folder",
    "Location": "Location",
    "QR": "Quality rating",
}
CHANGED_FIELDS = {"caption": "Caption", "alt_text": "Alt text", "keywords": "Keywords"}
VERDICTS = {
    "approved": "Approved", "rejected": "Rejected", "edited": "Edited", "pending": "Put back",
    "generated": "Generated anew",
}  # fmt: skip


@dataclass(frozen=True)
class Choices:
    """The folders and locations of a site, escaped once for all rows."""

    folders: dict[str, str]
    locations: dict[str, str]
    _pieces: dict[tuple[str, str, bool], SafeString] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Site) -> Choices:
        """Read them."""
        return cls(taxonomy.names(site, "folder"), taxonomy.names(site, "location"))

    def options(self, kind: str, current: str) -> SafeString:
        """The options of a select; a current value that the site no longer knows stays selectable."""
        known = self.folders if kind == "Folder" else self.locations
        names = known if current in known else {current: current, **known}
        return format_html_join("", "{}", ((self._option(key, name, key == current),) for key, name in names.items()))

    def _option(self, key: str, name: str, chosen: bool) -> SafeString:
        made = self._pieces.get((key, name, chosen))
        if made is None:
            text = '<option value="{}" selected>{}</option>' if chosen else '<option value="{}">{}</option>'
            made = self._pieces[key, name, chosen] = format_html(text, key, name)
        return made


@dataclass
class Card:
    """One row. `alert` says why what was asked was not done; `typed` keeps what a person had typed then."""

    site: Site
    gate: Gate
    row: Mapping[str, Any]
    choices: Choices
    decision: Decision | None = None
    then: int | None = None  # the row that follows it in the list
    alert: str = ""
    wrong_field: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    unsaved: Sequence[tuple[str, str]] = ()
    echo: Any = None

    @property
    def id(self) -> int:
        """The row's id."""
        return int(self.row["id"])

    @property
    def title(self) -> str:
        """What people call it."""
        return self.gate.title(self.row)

    @cached_property
    def seen(self) -> str:
        """The fingerprint of what is shown: an approval is for exactly this."""
        return fingerprint(self.gate, self.row) if self.waiting else ""

    @property
    def once(self) -> str:
        """Makes a repeated request the same decision: at one revision a row is decided once."""
        return f"{self.gate.table}-{self.id}-{self.row['revision']}"

    @property
    def status(self) -> str:
        """Its review status."""
        return "On hold" if self.waiting and self.row["hold"] else str(self.row["Review_Status"])

    @property
    def at_gate(self) -> bool:
        """Whether it has come as far as the review."""
        return bool(self.row["stage"] == self.gate.stage)

    @property
    def waiting(self) -> bool:
        """Whether a decision is asked for."""
        return self.at_gate and self.row["state"] == ItemState.WAITING

    @property
    def undoable(self) -> bool:
        """Whether its decision can be taken back."""
        return self.at_gate and self.row["state"] in (ItemState.APPROVED, ItemState.REJECTED)

    @property
    def editable(self) -> bool:
        """Whether a person may change its fields."""
        return self.at_gate and self.row["state"] in (ItemState.WAITING, ItemState.APPROVED)

    @property
    def broken(self) -> bool:
        """Whether it failed before the review."""
        return self.row["state"] in (ItemState.FAILED, ItemState.QUARANTINED)

    @cached_property
    def not_ready(self) -> str:
        """Why it cannot be approved as it stands."""
        return (self.gate.ready(self.row) or self.gate.opened(self.row)) if self.waiting else ""

    @property
    def retry(self) -> str:
        """The command that tries a broken row again."""
        return f"penstock retry {self.row['run']}" if self.row["run"] else f"penstock run {self.site.name}"

    @property
    def take_back(self) -> str:
        """The command that takes a published row back; "" for any other."""
        published = self.at_gate and self.row["state"] == ItemState.DONE
        return f"penstock unpublish {self.site.name} {self.id}" if published else ""

    @property
    def flags(self) -> list[str]:
        """What it is flagged for, in words."""
        return flagwords.of_row(self.row)

    @property
    def keywords(self) -> list[str]:
        """One by one."""
        return [word.strip() for word in self.row["Keywords"].split(",") if word.strip()]

    @property
    def picture(self) -> bool:
        """Whether there is a picture to show."""
        return bool(self.row["working_path"] or self.row["ollama_path"])

    @property
    def version(self) -> str:
        """Changes when the picture does, so that a browser may keep it."""
        return str(self.row["content_hash"])[:12]

    @property
    def place(self) -> str:
        """Subject, location and folder, as people read them."""
        folder = self.choices.folders.get(self.row["Folder"], self.row["Folder"])
        location = self.choices.locations.get(self.row["Location"], self.row["Location"])
        return " · ".join(part for part in (self.row["Subject"], location, folder) if part)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What is known of the photo, without what is empty."""
        r = self.row
        size = f"{r['Width']} × {r['Height']}" if r["Width"] and r["Height"] else ""
        exposure = " · ".join(part for part in (r["Exposure"], r["Aperture"], r["ISO"] and f"ISO {r['ISO']}") if part)
        focal = f"{r['Focal_length']} mm" if r["Focal_length"] else ""
        known = [
            ("Taken", " ".join(part for part in (r["DateTime"], r["zone"]) if part)),
            ("Camera", r["Camera"]),
            ("Lens", " · ".join(part for part in (r["Lens_model"], focal) if part)),
            ("Exposure", exposure),
            ("Pixels", size),
            ("Original", r["Original_File_Name"]),
        ]
        return [(name, value) for name, value in known if value]

    @property
    def scores(self) -> list[tuple[str, str, str]]:
        """(name, value, who measured it) of every score."""
        found = [(SCORE_NAMES[name], self.row[name], self.row["scorers"].get(name, "")) for name in SCORES]
        return [(name, f"{value:.2f}", who) for name, value, who in found if value is not None]

    @property
    def provenance(self) -> str:
        """Who wrote the texts."""
        r = self.row
        if not r["provider"]:
            return ""
        model = r["model"] if r["model"] != r["provider"] else ""
        prompt = f"prompt {r['prompt_version']}" if r["prompt_version"] else ""
        return " · ".join(part for part in (r["provider"], model, prompt) if part)

    @property
    def edited(self) -> str:
        """The fields that a person changed."""
        return ", ".join(LABELS.get(name, name) for name in self.row["edited"])

    @property
    def changes(self) -> list[dict[str, Any]]:
        """What the rules changed, word by word, and why."""
        return [
            {
                "field": CHANGED_FIELDS.get(one.get("field", ""), one.get("field", "")),
                "pieces": worddiff.pieces(str(one.get("before", "")), str(one.get("after", ""))),
                "reason": one.get("reason", ""),
                "rule": one.get("rule", ""),
            }
            for one in self.row["changes"]
        ]

    @property
    def decided(self) -> dict[str, Any] | None:
        """The last decision: what, by whom, when (in the site's time zone), why."""
        if self.decision is None:
            return None
        word = VERDICTS.get(self.decision.verdict, self.decision.verdict)
        return {
            "word": word,
            "who": self.decision.who,
            "at": when(self.decision.at, self.site),
            "reason": self.decision.reason,
        }

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The edit form: label, value as it is or as it was typed, and what is wrong with it."""
        return {
            name: {
                "id": f"{name}-{self.id}",
                "label": label,
                "value": self.typed.get(name, shown(self.row[name])),
                "wrong": self.alert if name == self.wrong_field else "",
            }
            for name, label in LABELS.items()
        }

    @property
    def folder_options(self) -> SafeString:
        """The folders to choose from."""
        return self.choices.options("Folder", self.typed.get("Folder", self.row["Folder"]))

    @property
    def location_options(self) -> SafeString:
        """The locations to choose from."""
        return self.choices.options("Location", self.typed.get("Location", self.row["Location"]))


def shown(value: Any) -> str:
    """A field as its input holds it."""
    return "" if value is None else str(value)


def last_decisions(table: str, ids: Iterable[int]) -> dict[int, Decision]:
    """Row → its newest decision."""
    return {one.item: one for one in Decision.objects.filter(table=table, item__in=list(ids)).order_by("id")}


def picture_file(row: Mapping[str, Any]) -> Path | None:
    """The file that is shown of a row: its working copy, or what the model was given."""
    for name in ("working_path", "ollama_path"):
        if row[name] and Path(row[name]).is_file():
            return Path(row[name])
    return None

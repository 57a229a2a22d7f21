"""Keywords come in: from a CSV file or as lines of text. What the site has already is told, not inserted twice."""

from __future__ import annotations

import csv
import io
import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.db.models import Max

from penstock.accounts.models import Site
from penstock.engine.errors import UsageError
from penstock.ledger import events
from penstock.ledger.counters import Tally
from penstock.ledger.rows import chunks
from penstock.ledger.tx import commits, write
from penstock.pipelines.content.models import Keyword

commits("content.import")

PAGE = 2000  # rows of one transaction, that a person's write need not wait long
LONGEST = 200  # characters of a keyword
BIGGEST = 64 << 20  # bytes of a file
COLUMNS = {  # what people and the common keyword tools call them
    "keyword": "keyword", "keywords": "keyword", "query": "keyword", "search term": "keyword", "phrase": "keyword",
    "volume": "volume", "search volume": "volume", "avg. monthly searches": "volume",
    "difficulty": "difficulty", "keyword difficulty": "difficulty", "kd": "difficulty", "kd %": "difficulty",
    "intent": "intent", "search intent": "intent", "intents": "intent",
}  # fmt: skip


@dataclass
class Imported:
    """How many keywords are new, and which lines were left out: (line, keyword, why)."""

    inserted: int = 0
    duplicates: list[tuple[int, str, str]] = field(default_factory=list)
    rejected: list[tuple[int, str, str]] = field(default_factory=list)


def import_file(site: Site, path: Path, at: datetime, who: str = "") -> Imported:
    """Take the keywords of a CSV file with a heading line, or of a file with one keyword per line.

    Raises UsageError when the file cannot be read as that. A stop in between loses nothing: what is in is told as
    duplicate the next time."""
    return import_text(site, _text(path), at, who, source=path.name)


def import_text(site: Site, text: str, at: datetime, who: str = "", source: str = "pasted text") -> Imported:
    """Take the keywords of a text of that form."""
    found, lines = Imported(), _lines(text, source)
    seen: dict[str, int] = {}
    while page := list(islice(lines, PAGE)):
        _take(site, _fit(page, seen, found), found, at, who, source)
    return found


def key_of(keyword: str) -> str:
    """The keyword as it is compared: Unicode NFKC, no case, single spaces. NFKC may lengthen it."""
    return " ".join(unicodedata.normalize("NFKC", keyword).casefold().split())[:LONGEST]


def _text(path: Path) -> str:
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    if path.stat().st_size > BIGGEST:
        raise UsageError(f"{path}: it is larger than {BIGGEST >> 20} MiB; split it")
    data = path.read_bytes()
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            break
    raise UsageError(f"{path}: it is not UTF-8 text; save it as CSV UTF-8 and import it again")


def _lines(text: str, source: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and the known columns of each line that says something."""
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count) if any(one in first for one in ",;\t") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    try:
        names = [COLUMNS.get(" ".join(cell.casefold().split()), "") for cell in next(reader, [])]
        if "keyword" not in names:
            yield from ((n, {"keyword": line}) for n, line in enumerate(text.splitlines(), 1) if line.strip())
            return
        for cells in reader:
            row = {name: cell for name, cell in zip(names, cells, strict=False) if name}
            if any(cell.strip() for cell in cells):
                yield reader.line_num, row
    except csv.Error as error:
        raise UsageError(f"{source}, line {reader.line_num}: {error}") from None


Fit = list[tuple[int, dict[str, Any]]]


def _fit(page: Iterable[tuple[int, Mapping[str, str]]], seen: dict[str, int], found: Imported) -> Fit:
    """What can be stored and did not stand in an earlier line."""
    fit: Fit = []
    for line, cells in page:
        fields, why = _fields(cells)
        key = fields.get("key", "")
        if why:
            found.rejected.append((line, cells.get("keyword", "")[:60], why))
        elif key in seen:
            found.duplicates.append((line, fields["keyword"], f"as in line {seen[key]}"))
        else:
            seen[key] = line
            fit.append((line, fields))
    return fit


def _fields(cells: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The columns of a keyword, and why it cannot be stored ("" = it can)."""
    keyword = " ".join(unicodedata.normalize("NFC", cells.get("keyword", "")).split())
    if not any(c.isalnum() for c in keyword):
        return {}, "it holds no letter or digit"
    if len(keyword) > LONGEST:
        return {}, f"it is longer than {LONGEST} characters"
    if not keyword.isprintable():
        return {}, "it holds control characters"
    volume, difficulty = _number(cells.get("volume", "")), _number(cells.get("difficulty", ""))
    for name, number, most in (("volume", volume, 10**12), ("difficulty", difficulty, 100)):
        if number is not None and not 0 <= number <= most:
            return {}, f"its {name} is no number from 0 to {most:,}"
    return {
        "keyword": keyword,
        "key": key_of(keyword),
        "volume": None if volume is None else int(volume),
        "difficulty": difficulty,
        "intent": " ".join(cells.get("intent", "").split()).casefold()[:40],
    }, ""


def _number(text: str) -> float | None:
    """A number as spreadsheets write it ("1,900"); None for nothing, NaN for what is none."""
    plain = text.strip().replace(",", "").replace("\u00a0", "").rstrip("%")
    if plain in ("", "-"):
        return None
    try:
        return float(plain)
    except ValueError:
        return math.nan


def _take(site: Site, fit: Fit, found: Imported, at: datetime, who: str, source: str) -> None:
    """Insert what the site does not have yet: one transaction, counted and told."""
    with write("content.import") as cursor:
        known = _known(site, [fields["key"] for _, fields in fit])
        new = [fields for _, fields in fit if fields["key"] not in known]
        twice = [(line, fields["keyword"], "the site has it") for line, fields in fit if fields["key"] in known]
        top = Keyword.objects.filter(site=site).aggregate(top=Max("ordinal"))["top"] or 0
        rows = [
            Keyword(site=site, stage="keywords_to_clusters", ordinal=n, **fields)
            for n, fields in enumerate(new, top + 1)
        ]
        Keyword.objects.bulk_create(rows, batch_size=500)
        tally = Tally()
        tally.add(None, "keyword", ("keywords_to_clusters", "ready"), len(rows))
        tally.write(cursor, site.pk)
        line = f"{len(rows)} keywords from {source}"
        events.record(at, "keywords_added", site=site.pk, who=who, lines=[("INFO", line)])
    found.inserted += len(rows)
    found.duplicates += twice


def _known(site: Site, keys: list[str]) -> set[str]:
    there = Keyword.objects.filter(site=site)
    return {key for part in chunks(keys) for key in there.filter(key__in=part).values_list("key", flat=True)}

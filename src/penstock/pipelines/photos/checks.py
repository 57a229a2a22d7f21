"""What the photo pipeline adds to preflight (besides its models, see readiness) and to post-run validation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from penstock.accounts.models import Site
from penstock.adapters.photo import hints
from penstock.engine.errors import PenstockError
from penstock.ledger import runlog
from penstock.ledger.models import Run
from penstock.pipelines.photos import opening, taxonomy
from penstock.pipelines.photos.settings import PhotoSettings, of
from penstock.records.check import Check, fail, ok, warn

STARTUP = "startup check:"


def weights(site: Site) -> Iterator[Check]:
    """Configured model files are there; rule packs load."""
    if site.pipeline != "photos":
        return
    s = of(site.settings)
    for key in ("brisque_model", "nima_weights", "clip_weights", "classifier_weights", "rules_dir"):
        place = getattr(s, key)
        if place and not Path(place).exists():
            yield _wrong(site, key, f"{place} is not there")
    place = s.classifier_weights
    missing = [name for name in hints.FILES if not (Path(place) / name).is_file()]
    if place and Path(place).exists() and missing:
        yield _wrong(site, "classifier_weights", f"{place} holds no {' and no '.join(missing)}")
    yield _packs(site, s)


def _wrong(site: Site, key: str, what: str) -> Check:
    return fail(key, what, f"penstock site set {site.name} {key}=PATH, or {key}= to turn it off")


def _packs(site: Site, s: PhotoSettings) -> Check:
    from penstock.pipelines.photos import packs

    extra = Path(s.rules_dir) if s.rules_dir else None
    try:
        loaded = packs.load(s.rule_packs or None, extra, list(taxonomy.names(site, "location")))
    except (ValueError, PenstockError) as error:
        return fail("rule packs", str(error), "Mend the pack, or take it out of rule_packs.")
    return ok("rule packs", f"{len(loaded.rules)} rules")


def startup_line(run: Run) -> Iterator[Check]:
    """Point 2: the start-up line reports the expected processor mode."""
    if run.pipeline != "photos":
        return
    s = of(run.plan)
    if s.caption_provider == "template":
        yield ok("processor", "the texts came from templates: no model ran")
        return
    lines = [line for line in runlog.lines(run) if STARTUP in line]
    if not lines:
        yield warn("processor", "the log holds no start-up line of a model", f"penstock check {run.site.name}")
    elif s.expect_processor != "any" and f"processor={s.expect_processor.upper()}" not in lines[-1]:
        yield warn("processor", lines[-1], f"expected {s.expect_processor}: restart the model server")
    else:
        yield ok("processor", lines[-1].split("] ", 1)[-1])


def report(run: Run) -> Iterator[Check]:
    """Point 3: the QC report of the run, and what it flags."""
    if run.pipeline != "photos":
        return
    file = opening.own_copy(run)
    if not file.exists():
        yield fail("QC report", f"{file} is not there", f"penstock recover; then penstock verify {run.id}")
        return
    summary = json.loads(file.read_text(encoding="utf-8"))["summary"]
    flagged = summary["flagged_rows_total"]
    text = f"{summary['row_count']} rows, {summary['duplicate_rows_total']} duplicates, {flagged} flagged ({file})"
    if flagged:
        yield warn("QC report", text, f"penstock review list {run.site.name}")
    else:
        yield ok("QC report", text)

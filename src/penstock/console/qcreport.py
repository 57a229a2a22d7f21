"""The QC report of a site's newest run, as the review page shows it above the rows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from penstock.accounts.models import Site
from penstock.console import flagwords
from penstock.ledger.models import Run

LARGEST = 50 << 20  # bytes


@dataclass(frozen=True)
class Summary:
    """`found`: (flag, words, rows). `problem` says why there is no summary although there should be one."""

    run: str
    rows: int = 0
    flagged: int = 0
    found: tuple[tuple[str, str, int], ...] = ()
    problem: str = ""


def newest(site: Site) -> Summary | None:
    """The summary of the newest run that came as far as its report; None when no run did."""
    for run in Run.objects.filter(site=site, kind="run").order_by("-started_at")[:5]:
        file = site.root / "runs" / run.id / "prefill_qc.json"
        try:
            if file.stat().st_size > LARGEST:
                return Summary(run.id, problem=f"{file} is too large to be shown")
            return _summary(run.id, json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return Summary(run.id, problem=f"{file} cannot be read ({type(error).__name__})")
    return None


def _summary(run: str, report: dict[str, Any]) -> Summary:
    reasons = Counter(str(reason) for row in report["flagged"] for reason in row["reasons"])
    found = tuple((flag, flagwords.word(flag), n) for flag, n in reasons.most_common())
    numbers = report["summary"]
    return Summary(run, int(numbers["row_count"]), int(numbers["flagged_rows_total"]), found)

"""The model's temporary pictures go once nothing of their run still waits for anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.engine.states import ItemState
from penstock.ledger import rows
from penstock.ledger.models import Artefact, Run
from penstock.ledger.tx import commits, write

commits("publish.tidy")
TABLE = "photo"
OVER = (ItemState.DONE, ItemState.REJECTED)


def tidy(run: Run) -> str:
    """Remove `data/ollama_tmp/run_*` of runs whose photos are all decided; answers the log line, or ""."""
    folders = list(_over(run))
    for folder in folders:
        with write("publish.tidy"):
            _mine(run, folder).update(ollama_path=None)
            Artefact.objects.filter(table=TABLE, path__startswith=f"{folder}{os.sep}").delete()
        shutil.rmtree(folder, ignore_errors=True)  # what cannot be removed now is found again next time
    return "[OK] Cleaned ollama_tmp and cleared ollama_path." if folders else ""


def _over(run: Run) -> Iterator[Path]:
    for folder in sorted((run.site.root / "data" / "ollama_tmp").glob("run_*")):
        maker = Run.objects.filter(id=folder.name.removeprefix("run_"), active_key__isnull=False)
        if not maker.exists() and not _mine(run, folder).exclude(state__in=OVER).exists():
            yield folder


def _mine(run: Run, folder: Path) -> Any:
    return rows.model_of(TABLE).objects.filter(site=run.site, ollama_path__startswith=f"{folder}{os.sep}")

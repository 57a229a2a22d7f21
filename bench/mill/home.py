"""A home with one site of the mill, made in this process, and the environment of the programs that drive it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "penstock"]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The mill is known; what was compiled once stays compiled, as after an installation."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **kept,
        "PENSTOCK_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "bench.mill.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        **more,
    }


def make(home: Path, plans: Sequence[str], settings: dict[str, Any] | None = None) -> str:
    """A home with a grain for each plan and an open run over them; answers the run. Once per process."""
    os.environ.update(environment(home))
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    from penstock import boot, config

    boot.start(config.load(home))
    return fill(plans, settings)


def fill(plans: Sequence[str], settings: dict[str, Any] | None = None) -> str:
    """A grain for each plan and an open run over them, where Django is up; answers the run."""
    from django.db import connection

    from bench.mill.models import Grain
    from penstock.accounts.models import create_site
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import RandomIds
    from penstock.ledger import control
    from penstock.ledger.counters import Tally
    from penstock.ledger.tx import write

    first = "s1" if settings is None else "grind"
    with connection.schema_editor() as editor:
        editor.create_model(Grain)
    site = create_site("mill", "mill")
    Grain.objects.bulk_create(Grain(site=site, stage=first, plan=p, ordinal=n) for n, p in enumerate(plans, 1))
    with write("bench.made") as cursor:
        tally = Tally()
        tally.add(None, "grain", (first, "ready"), len(plans))
        tally.write(cursor, site.pk)
    return control.start(site, SystemClock(), RandomIds(), plan=settings or {}).id

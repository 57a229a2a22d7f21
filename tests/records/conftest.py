"""A home in order, with a run whose rows are put where a test wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock import boot, config

boot.start(config.load())  # the tests name models as they are read


@pytest.fixture
def run(ledger_home: Path) -> Any:
    """An ended run of a photo site, without a row."""
    from datetime import UTC, datetime

    from penstock.accounts.models import create_site
    from penstock.engine import PIPELINES
    from penstock.ledger.models import Run, StageRun

    made = Run.objects.create(
        id="20260101-000000-aaaa", site=create_site("records", "photos"), pipeline="photos", status="completed",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    for stage in PIPELINES["photos"](made).stages:
        StageRun.objects.create(run=made, number=stage.number, name=stage.name, title=stage.title, table=stage.takes)
    return made


@pytest.fixture
def photo(run: Any) -> Any:
    """Makes photos of the run: `photo(stage=…, state=…, error=…)`."""
    from penstock.pipelines.photos.models import Photo, PhotoSet

    own = PhotoSet.objects.create(site=run.site, folder="nature", location="Delft", subject="Fields")

    def make(**fields: Any) -> Any:
        file = f"{Photo.objects.count()}.jpg"
        return Photo.objects.create(
            id=Photo.objects.count() + 1, site=run.site, run=run.id, set=own, Folder="nature", Location="Delft",
            Subject="Fields", Original_File_Name=file, source_path=f"/photos/{file}", **fields,
        )  # fmt: skip

    return make

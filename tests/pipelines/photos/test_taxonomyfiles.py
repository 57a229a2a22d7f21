"""The taxonomy as files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from penstock.accounts.models import Site, create_site
from penstock.engine.errors import UsageError
from penstock.pipelines.photos import intake, taxonomy, taxonomyfiles
from penstock.pipelines.photos.models import Taxon
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")
WHEN = datetime(2026, 11, 21, tzinfo=UTC)


def held(site: Site) -> tuple[object, object]:
    """What the two files hold."""
    files = (taxonomyfiles.folder_file(site), taxonomyfiles.location_file(site))
    return tuple(json.loads(file.read_text()) for file in files)  # type: ignore[return-value]


def test_every_change_reaches_the_files() -> None:
    site = rows.site()
    taxonomy.add(site, "location", "Café_Zürich", "", who="ann", at=WHEN)
    taxonomy.rename(site, "folder", "nature", "Nature Landscape", who="ann", at=WHEN)
    assert held(site) == ({"nature": "Nature Landscape"}, ["Café_Zürich", "Gouda_Netherlands"])


def test_a_site_that_knows_nothing_takes_over_what_the_files_hold(tmp_path: Path) -> None:
    site = create_site("old", "photos")
    taxonomyfiles.folder_file(site).parent.mkdir(parents=True, exist_ok=True)
    taxonomyfiles.folder_file(site).write_text('{"birds": "Birds", " ": "x"}')
    taxonomyfiles.location_file(site).write_text('["Gouda_Netherlands"]')
    (tmp_path / "a.jpg").write_bytes(b"x")
    no = lambda question: False  # noqa: E731 - nobody is asked: both are known
    intake.add(site, tmp_path, folder="birds", location="Gouda_Netherlands", subject="Coot", confirm=no, at=WHEN)
    assert Taxon.objects.filter(site=site).count() == 2
    assert taxonomyfiles.take_over(site) == 0


@pytest.mark.parametrize("text", ["{", "[1]", '"x"'])
def test_a_file_that_cannot_be_read_is_named(text: str) -> None:
    site = create_site("old", "photos")
    taxonomyfiles.folder_file(site).parent.mkdir(parents=True, exist_ok=True)
    taxonomyfiles.folder_file(site).write_text(text)
    with pytest.raises(UsageError, match=r"folder_map\.json"):
        taxonomyfiles.take_over(site)

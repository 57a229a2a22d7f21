"""Sites, photos and a signed-in browser for the tests of the console."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from django.test import Client
from PIL import Image

from penstock.accounts.models import Site, create_site
from penstock.accounts.sessions import keeper
from penstock.ledger.counters import Tally
from penstock.ledger.tx import write
from penstock.pipelines.photos.models import Photo, PhotoSet, ReservedName, Taxon
from penstock.pipelines.photos.names import fold
from penstock.pipelines.photos.words_of_state import status

SCORES = {
    "nima_score": 6.1, "blur_score": 7.0, "brightness_score": 5.5, "contrast_score": 6.2, "brisque_score": 21.0,
    "clip_aesthetic_score": 6.6, "QR": 6.7, "QC_Status": "Good",
}  # fmt: skip
_numbers = itertools.count(1)


def signed_in(**options: Any) -> Client:
    """A browser of the person who started the server."""
    client = Client(headers={"host": "127.0.0.1"}, **options)
    if not options.get("enforce_csrf_checks"):
        sign_in(client)
    return client


def sign_in(client: Client) -> None:
    """Use a fresh link."""
    session = keeper().open_session(keeper().new_link())
    assert session is not None
    client.cookies["penstock_session_80"] = session


def site(name: str = "rome", **more: Any) -> Site:
    """A photo site that knows a folder and two locations."""
    made = create_site(name, "photos", **more)
    for kind, key, word in (
        ("folder", "city", "City"), ("folder", "nature", "Nature"),
        ("location", "Rome_Italy", "Rome, Italy"), ("location", "Delft_Netherlands", "Delft, the Netherlands"),
    ):  # fmt: skip
        Taxon.objects.create(site=made, kind=kind, key=key, name=word)
    return made


def photo(owner: Site, *, stage: str = "review", state: str = "waiting", **fields: Any) -> Photo:
    """A photo that has come to the review, counted as the ledger counts."""
    n = next(_numbers)
    photo_set = PhotoSet.objects.filter(site=owner).first()
    photo_set = photo_set or PhotoSet.objects.create(
        site=owner, folder="city", location="Rome_Italy", subject="Fountain"
    )
    name = f"Fountain_Rome_Italy_City_Photography_X100V_2026_{n:03}.JPG"
    values: dict[str, Any] = {
        "Folder": "city", "Location": "Rome_Italy", "Subject": "Fountain", "File_Name": name,
        "Caption": f"Water falls over three stone basins of the old fountain number {n}.",
        "alt_text": f"Stone fountain {n} with three basins on a paved square in the morning",
        "Keywords": "fountain, rome, italy, stone, water, square, morning, basin, city, sculpture",
        "Original_File_Name": f"DSCF{n:04}.JPG", "source_path": f"/photos/DSCF{n:04}.JPG", "ordinal": n,
        "content_hash": f"{n:064x}", **SCORES, **status("photo", stage, state), **fields,
    }  # fmt: skip
    with write("test") as cursor:
        made = Photo.objects.create(site=owner, set=photo_set, stage=stage, state=state, **values)
        tally = Tally()
        tally.add(made.run, "photo", (stage, state), 1)
        tally.write(cursor, owner.pk)
    ReservedName.objects.create(site=owner, owner=made.pk, key=fold(made.File_Name), name=made.File_Name)
    return made


def with_picture(made: Photo, colour: tuple[int, int, int] = (120, 140, 130)) -> Path:
    """Give a photo a working copy below its site."""
    file = made.site.root / "data" / "working" / f"{made.pk}.jpg"
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (96, 64), colour).save(file)
    Photo.objects.filter(pk=made.pk).update(working_path=str(file), Width=96, Height=64)
    return file


def form(made: Photo, verb: str, **more: Any) -> dict[str, Any]:
    """What the page's form sends for a photo as it stands in `made`."""
    once = f"photo-{made.pk}-{made.revision}"
    return {"verb": verb, "revision": made.revision, "once": once, "back": "status=Pending", "then": "", **more}

"""Makes the home: sites whose photos wait for review, each with a working copy of a usual size.

    python -m bench.gallery.home HOME N SITE …

Runs in a process of its own: Django is started on the home.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

DIFFERENT = 48  # pictures; rows share them, each under its own name
WORDS = "old stone bridge over a quiet river in the soft morning light with tall reeds along both banks".split()


def main() -> None:
    """Make what the command line says."""
    home, n, *sites = sys.argv[1:]
    from penstock import boot, config

    os.environ["PENSTOCK_HOME"] = home
    boot.start(config.load(Path(home)))
    pictures = [_picture(number) for number in range(DIFFERENT)]
    for name in sites:
        _site(name, int(n), pictures)


def _picture(number: int) -> bytes:
    """1024×683 pixels with as much detail as a photo has: some 350 kB."""
    dice = np.random.default_rng(number)
    coarse = dice.integers(0, 255, (18, 12, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((1024, 683), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = dice.normal(0, 9, smooth.shape)
    out = io.BytesIO()
    Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
    return out.getvalue()


def _site(name: str, n: int, pictures: list[bytes]) -> None:
    from penstock.accounts.models import create_site
    from penstock.ledger.counters import Tally
    from penstock.ledger.tx import write
    from penstock.pipelines.photos.models import Photo, PhotoSet, ReservedName, Taxon
    from penstock.pipelines.photos.names import fold

    site = create_site(name, "photos")
    Taxon.objects.create(site=site, kind="folder", key="city", name="City")
    Taxon.objects.create(site=site, kind="location", key="Rome_Italy", name="Rome, Italy")
    one = PhotoSet.objects.create(site=site, folder="city", location="Rome_Italy", subject="Bridge")
    folder = site.root / "data" / "working"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [Photo(site=site, set=one, stage="review", state="waiting", **_fields(number)) for number in range(n)]
    with write("bench.gallery") as cursor:
        Photo.objects.bulk_create(rows, batch_size=200)
        made = list(Photo.objects.filter(site=site).order_by("id"))
        for number, row in enumerate(made):
            file = folder / f"{row.pk}.jpg"
            file.write_bytes(pictures[number % len(pictures)])
            row.working_path = str(file)
        Photo.objects.bulk_update(made, ["working_path"], batch_size=200)
        ReservedName.objects.bulk_create(
            ReservedName(site=site, owner=row.pk, key=fold(row.File_Name), name=row.File_Name) for row in made
        )
        tally = Tally()
        tally.add(None, "photo", ("review", "waiting"), n)
        tally.write(cursor, site.pk)


def _fields(n: int) -> dict[str, object]:
    turn = n % len(WORDS)
    words = " ".join(WORDS[turn:] + WORDS[:turn])
    return {
        "Folder": "city", "Location": "Rome_Italy", "Subject": "Bridge", "ordinal": n, "Review_Status": "Pending",
        "File_Name": f"Bridge_Rome_Italy_City_Photography_X100V_2026_{n + 1:03}.JPG", "Width": 6000, "Height": 4000,
        "Original_File_Name": f"DSCF{n:04}.JPG", "source_path": f"/photos/DSCF{n:04}.JPG", "content_hash": f"{n:064x}",
        "Caption": f"Number {n} shows an {words}.", "alt_text": f"View {n} of an {words}",
        "Keywords": "bridge, river, stone, rome, italy, morning, reeds, bank, water, light, arch, sky",
        "nima_score": 6.1, "blur_score": 7.0, "brightness_score": 5.5, "contrast_score": 6.2, "brisque_score": 21.0,
        "clip_aesthetic_score": 6.6, "QR": 6.7, "QC_Status": "Good", "Camera": "FUJIFILM X100V", "ISO": 200,
        "provider": "template", "model": "template", "prompt_version": "1",
    }  # fmt: skip


if __name__ == "__main__":
    main()

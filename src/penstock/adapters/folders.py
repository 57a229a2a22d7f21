"""Folders whose names survive a loss of power."""

from __future__ import annotations

import os
from pathlib import Path

from penstock.engine.failpoint import declare, failpoint

declare("folders.before_fsync", "folders.after_fsync")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, unless they are there. Their names are durable, as what is put into them is."""
    made, place = [], folder
    while not place.exists() and place != place.parent:
        made.append(place)
        place = place.parent
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(made):
        sync_folder(place.parent)


def sync_folder(folder: Path, *, fsync: bool = True) -> None:
    """Make the names in `folder` durable; systems that cannot open a folder do it by themselves."""
    if not fsync or os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        failpoint("folders.before_fsync", path=str(folder))
        os.fsync(fd)
        failpoint("folders.after_fsync", path=str(folder))
    finally:
        os.close(fd)

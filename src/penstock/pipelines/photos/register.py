"""What the lower rooms are told of the photo pipeline, once, at start."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from penstock import accounts, engine, ledger, records, review
from penstock.adapters import files
from penstock.engine.errors import ItemError
from penstock.engine.pipeline import Pipeline


def all() -> None:
    """Pipeline, tables, effects, gate and records."""
    from penstock.ledger import rollback
    from penstock.pipelines.photos import gatekeeping, models

    engine.PIPELINES["photos"] = build
    engine.PIPELINES["regenerate"] = build_again
    ledger.TABLES.update(
        file=models.PhotoFile, photo=models.Photo, name=models.ReservedName, regeneration=models.Regeneration
    )
    ledger.EFFECTS.update(copy=Copy(), move=Move())
    review.GATES["photo"] = gatekeeping.gate()
    accounts.AFTER_CREATE.append(_embedded_targets)
    accounts.SETTINGS["photos"] = "penstock.pipelines.photos.settings"
    records.TITLES.update(file=("path", _file_name), photo=("Original_File_Name", str))
    records.CHECKS += [_model, _weights]
    records.VERIFY += [_startup_line, _report]
    ledger.AFTER_RUN.append(_leave)
    ledger.AFTER_RECOVERY.append(_mend)
    rollback.AFTER_ROLLBACK.append(_after_rollback)


def build(run: Any) -> Pipeline:
    """The pipeline of a run. Imported only when a run is built: most commands never need it."""
    from penstock.pipelines.photos import stages

    return stages.build(run)


def _file_name(path: str) -> str:
    return Path(path).name


def build_again(run: Any) -> Pipeline:
    """The pipeline that writes texts of single photos anew."""
    from penstock.pipelines.photos import regenerate

    return regenerate.build(run)


def _embedded_targets(site: Any) -> None:
    """A photo site can publish from the first day: into a folder, and into a table beside it."""
    if site.pipeline == "photos":
        from penstock.publish import targets

        targets.add(site, "site", "folder", str(site.root / "site_images"), {})
        targets.add(site, "mirror", "sqlite", str(site.root / "data" / "photos_info_revamp.db"), {"mirror": "yes"})


def _leave(run: Any) -> None:
    if run.pipeline == "photos":
        from penstock.pipelines.photos import leavings

        leavings.write(run)


def _mend() -> None:
    from penstock.pipelines.photos import leavings

    leavings.mend()


def _after_rollback(run: Any) -> None:
    if run.pipeline == "photos":
        from penstock.pipelines.photos import leavings

        leavings.after_rollback(run)


def _model(site: Any) -> Any:
    """The model server. Named as its point: that is what an error is told under."""
    from penstock.pipelines.photos import readiness

    return readiness.model(site)


def _weights(site: Any) -> Any:
    from penstock.pipelines.photos import checks

    return checks.weights(site)


def _startup_line(run: Any) -> Any:
    from penstock.pipelines.photos import checks

    return checks.startup_line(run)


def _report(run: Any) -> Any:
    from penstock.pipelines.photos import checks

    return checks.report(run)


class Copy:
    """An original copied to its staged place."""

    def happened(self, source: str, target: str, mark: str) -> bool:
        """The copy is renamed into place only when it is whole."""
        return os.path.isfile(target)

    def undo(self, source: str, target: str, mark: str) -> None:
        """Remove the copy: only when it holds the original's bytes."""
        wanted = mark
        if not wanted and Path(target).is_file() and Path(source).is_file():
            wanted = files.sha256_of(source)
        files.undo_copy(target, wanted)
        _remove_if_empty(Path(target).parent)


class Move:
    """An original moved to its staged place."""

    def happened(self, source: str, target: str, mark: str) -> bool:
        """It is there and no longer here."""
        return os.path.isfile(target) and not os.path.exists(source)

    def undo(self, source: str, target: str, mark: str) -> None:
        """Back to where it came from, never over another file. Both gone: nothing is left to put back.

        Another's file at the target, which kept a move from happening, stays where it is."""
        if not _ours(source, target, mark):
            return
        try:
            files.undo_move(source, target)
        except ItemError as error:
            if error.code != "missing":
                raise
        _remove_if_empty(Path(target).parent)


def _ours(source: str, target: str, mark: str) -> bool:
    """A file at the target while the source is there too is ours only when it holds our bytes."""
    if not (Path(source).is_file() and Path(target).is_file()):
        return True
    return files.sha256_of(target) == (mark or files.sha256_of(source))


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # not empty, gone, or filled meanwhile
        folder.rmdir()

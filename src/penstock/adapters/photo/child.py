"""The photo stages that touch pixels or originals, as the supervised child calls them.

Keys of `item`, all paths absolute:
- stage_files: `source_path`, `staged_path`, `intake` ("copy" or "move")
- read_exif: `id`, `staged_path`, `working_path`, `work_dir`; optional `file_size`, `side`,
  `max_pixels`, `find_lens` (default true), `exiftool` (the program)
- score: `working_path`; optional `models` (see `scores.Models`)
- resize_for_model: `id`, `working_path`, `ollama_path`, `work_dir`; optional `side`
- render: `id`, `source_path`, `full_path`, `thumb_path`, `work_dir`; optional `content_hash`, `max_pixels`
  and what `render.publish_pair` takes: `full`, `thumb`, `quality`, `mark`, `keep_gps`, `keep_metadata`,
  `fields`
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from penstock.adapters import files
from penstock.adapters.photo import decode, exiftool, headers, phash, scores, working
from penstock.adapters.photo.vision import opencv
from penstock.engine.errors import ItemError
from penstock.engine.outcome import Done, File, Outcome
from penstock.engine.pipeline import Item, Progress

opencv()  # while the worker starts, not while its first photo waits
SIDE = 1024
MODEL_QUALITY = 85
_COLUMNS = (
    "DateTime", "zone", "Camera", "Lens_model", "Width", "Height", "Exposure", "Aperture", "ISO",
    "Focal_length", "gps", "year",
)  # fmt: skip


def run(stage: str, item: Item, progress: Progress) -> Outcome:
    """Do one stage for one photo. Raises ItemError, Transient or Blocking (see each adapter)."""
    work = STAGES.get(stage)
    if work is None:
        raise ItemError(f"the photo child knows no stage {stage!r}", code="stage")
    return work(item, progress)


def stage_files(item: Item, progress: Progress) -> Outcome:
    """Bring the original to its staged place, hashing it on the way."""
    bring = files.move_verified if item.get("intake") == "move" else files.copy_verified
    stored = bring(item["source_path"], item["staged_path"])
    progress("staged")
    return Done(
        {
            "content_hash": stored["sha256"],
            "file_size": stored["size"],
            "staged_path": item["staged_path"],
        }
    )


def read_exif(item: Item, progress: Progress) -> Outcome:
    """One open and one decode: header check, EXIF, working copy and perceptual hash."""
    source = item["staged_path"]
    _same_size(source, item.get("file_size"))
    side = item.get("side", working.SIDE)
    picture, facts = decode.read(source, (side, side), max_pixels=item.get("max_pixels", headers.MAX_PIXELS))
    progress("decoded")
    files.release_cache(source)
    if not facts["Lens_model"] and facts["maker_notes"] and item.get("find_lens", True):
        facts["Lens_model"] = exiftool.lens_name(source, program=item.get("exiftool", "exiftool"))
    file = _artefact(item, "working", item["working_path"])
    written = working.write_jpeg(picture, file)
    fields: dict[str, Any] = {name: facts[name] for name in _COLUMNS}  # type: ignore[literal-required]
    fields |= {
        "phash": phash.phash(np.asarray(picture.convert("L"))),
        "working_path": item["working_path"],
    }
    return Done(fields, files=(_file(file, item["working_path"], written),))


def score(item: Item, progress: Progress) -> Outcome:
    """Score the working copy. Raises ItemError (`scoring`) when it cannot be read: no score is invented."""
    try:
        scored = scores.score(item["working_path"], item.get("models"))
    except ItemError as error:
        raise ItemError(f"scoring failed: {error}", code="scoring") from error
    progress("scored")
    return Done(dict(scored))


def resize_for_model(item: Item, progress: Progress) -> Outcome:
    """The picture that the model reads: the working copy's own bytes when it is small enough."""
    source, side = item["working_path"], item.get("side", SIDE)
    work = _artefact(item, "model", item["ollama_path"])
    header = headers.inspect(source)
    if max(header["width"], header["height"]) <= side:
        written: Any = files.link_or_copy(source, work)
    else:
        written = working.make_working(source, work, side, MODEL_QUALITY)
    progress("resized")
    return Done(
        {"ollama_path": item["ollama_path"]},
        files=(_file(work, item["ollama_path"], written),),
    )


def render(item: Item, progress: Progress) -> Outcome:
    """The published pair, from the original's bytes, which must still be those that were approved."""
    from penstock.adapters.photo import render as rendering

    source = item["source_path"]
    _same_bytes(source, item.get("content_hash"))
    progress("checked")
    full, thumb = (_artefact(item, name, item[f"{name}_path"]) for name in ("full", "thumb"))
    pair = rendering.publish_pair(
        source,
        full,
        thumb,
        full=tuple(item.get("full", rendering.FULL)),
        thumb=tuple(item.get("thumb", rendering.THUMB)),
        quality=item.get("quality", rendering.QUALITY),
        mark=item.get("mark"),
        keep_gps=bool(item.get("keep_gps")),
        keep_metadata=bool(item.get("keep_metadata")),
        fields=item.get("fields"),
        max_pixels=item.get("max_pixels", headers.MAX_PIXELS),
    )
    progress("rendered")
    return Done(
        {"rendered": pair},
        files=(_file(full, item["full_path"], pair["full"]), _file(thumb, item["thumb_path"], pair["thumb"])),
    )


def _same_size(path: str, expected: int | None) -> None:
    if expected is not None and Path(path).is_file() and Path(path).stat().st_size != expected:
        raise ItemError(f"{path} changed since it was staged", code="changed")


def _same_bytes(path: str, expected: str | None) -> None:
    if expected and files.sha256_of(path) != expected:
        raise ItemError(f"{path} is no longer the file that was approved; approve it again", code="changed")


def _artefact(item: Item, name: str, path: str) -> str:
    return str(Path(item["work_dir"]) / f"{item['id']}_{name}{Path(path).suffix or '.jpg'}")


def _file(work: str, path: str, written: Any) -> File:
    return File(work=work, path=path, sha256=written["sha256"], size=written["size"])


STAGES: dict[str, Callable[[Item, Progress], Outcome]] = {
    "stage_files": stage_files,
    "read_exif": read_exif,
    "score": score,
    "resize_for_model": resize_for_model,
    "render": render,
}

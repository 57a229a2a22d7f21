"""What the world's photos go through: the photo pipeline without pixels, a lab with a child and a model, sending."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from penstock.adapters import files
from penstock.adapters.photo import exiftool
from penstock.engine.errors import Blocking, Unavailable
from penstock.engine.outcome import Done, Fail, File, Outcome
from penstock.engine.pipeline import Item, Limits, Pipeline, Progress, Stage

MODEL = {"url": ""}  # where the loopback server answers; it is another one each time, so it is not stored
TAKES = 0.25  # seconds that a look in the child takes at least: longer than the driver's tick
SKIES = ("clear", "fog", "storm", "fire")
PARTS = ("full", "thumb")
EXIFTOOL = """#!/bin/sh
while read -r line; do
  case "$line" in -execute*) echo '[{"LensModel": "A lens"}]'; echo "{ready${line#-execute}}";; esac
done
"""


def sky(home: Path) -> str:
    """What the weather is: fog fails the item called c, a storm is the outside's fault, fire blocks the run."""
    file = home / "sky"
    return file.read_text() if file.exists() else "clear"


def photos(run: Any) -> Pipeline:
    """The darkroom's, with texts for the gate and with weather."""
    from tests.ledger import darkroom

    home = run.site.root

    def develop(item: Item) -> Outcome:
        weather, name = sky(home), item["Original_File_Name"]
        if weather == "fire":
            raise Blocking("the darkroom burns", code="fire")
        if weather == "storm":
            raise Unavailable("no light today")
        if weather == "fog" and name == "c.jpg":
            return Fail("it is foggy", "fog")
        done = darkroom.develop(item)
        assert isinstance(done, Done)
        lens = exiftool.lens_name(item["staged_path"], program=str(home / "exiftool")) if name == "a.jpg" else ""
        texts = {"Caption": f"A picture called {name}.", "alt_text": "A heron", "Keywords": "heron, bird"}
        return replace(done, fields={**done.fields, **texts, "Lens_model": lens, "DateTime": "2026:05:06 07:08:09"})

    return darkroom.pipeline(run, work=develop)


def lab(run: Any) -> Pipeline:
    """A look at each file in a child, then a question to a model."""
    from tests.ledger import darkroom

    async def preflight() -> list[tuple[str, str]]:
        return [("INFO", "the lab is open")]

    look = Stage(
        1, "validate", "Look", "file", "child", work="tests.proof.errands:look", load=darkroom._files, lane="cpu",
        limits=Limits(idle=20, hard=60), backoff=0.0,
    )  # fmt: skip
    ask = Stage(2, "ask", "Ask", "file", "async", work=question, load=darkroom._files, lane="model", backoff=0.0)
    return Pipeline("lab", (look, ask), preflight=preflight)


def look(stage: str, item: Item, progress: Progress) -> Outcome:
    """In the child: long enough for a heartbeat and a measurement."""
    progress("looking")
    threading.Event().wait(TAKES)
    Path(item["path"]).read_bytes()
    return Done()


async def question(item: Item, progress: Progress) -> Outcome:
    """One request over the wire that the model adapters use."""
    from penstock.adapters.llm.wire import Wire, client

    async with client(Wire(), 5.0) as http:
        answer = await http.post(f"{MODEL['url']}/ask", json={"id": item["id"]})
    return Done() if answer.status_code == 200 else Fail(f"status {answer.status_code}", "model")


def publishing(build: Any) -> Any:
    """The product's own publish pipeline, worked on the spot: no child, no pixels, the same sending."""

    def built(run: Any) -> Pipeline:
        one = build(run)
        render, send = one.stages
        stages = (
            replace(render, runner="inline", work=_render, lane="inline", backoff=0.0),
            replace(send, runner="inline", work=_send, lane="inline", backoff=0.0),
        )
        return replace(one, stages=stages)

    return built


def _render(item: Item) -> Outcome:
    if item["rendered"]:
        return Done({"files": item["rendered"]})
    made, pair = [], {}
    for part in PARTS:
        work, place = Path(item["work_dir"]) / f"{item['id']}_{part}.jpg", item[f"{part}_path"]
        if part == "thumb":
            stored = files.link_or_copy(item["recipe"]["source_path"], work)
        else:
            stored = files.write_bytes(work, f"rendered {item['recipe']['content_hash']}".encode())
        pair[part] = {"source": place, **stored, "width": 30, "height": 20}
        made.append(File(str(work), place, stored["sha256"], stored["size"]))
    return Done({"files": pair}, files=tuple(made))


def _send(item: Item) -> Outcome:
    from penstock.publish import sending

    return sending.run("send", item, lambda _note: None)


def digest(path: Path) -> str:
    """What a file holds."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

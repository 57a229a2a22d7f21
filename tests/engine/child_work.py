"""Work for the tests of supervised children: good and bad behaviour, chosen by the item's `do`."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.engine.errors import Blocking, ItemError, Refused, Transient, Unavailable
from penstock.engine.outcome import Done, Fail, Note, Outcome, Row

Progress = Callable[[str], None]


def work(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    """Do what the item says."""
    return _DEEDS[item.get("do", "echo")](stage, item, progress)


def work_batch(stage: str, items: list[dict[str, Any]], progress: Progress) -> list[Outcome]:
    """One outcome for each item, but for items that say `skip`."""
    return [Done({"n": item["n"]}) for item in items if not item.get("skip")]


def _echo(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    return Done(
        {"stage": stage, "value": item.get("value"), "pid": os.getpid()},
        makes=(Row("photo", "caption-1", {"text": "Zürich"}),),
        notes=(Note("echoed", "WARN"),),
    )


def _fail(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    return Fail("too dark", code="dark", fields={"QC_Status": "REJECT"})


def _steps(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    for number in range(item["steps"]):
        progress(f"step {number}\x1b[31m")
        time.sleep(item["pause"])
    return Done()


def _raise(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    errors: dict[str, BaseException] = {
        "transient": Transient("the model is busy", code="busy", after=7.5),
        "item": ItemError("the photo is empty", code="empty"),
        "unavailable": Unavailable("nobody answers"),
        "blocking": Blocking("no such table"),
        "own": _Cold("the lamp is cold"),
        "refused": Refused("not now"),
        "bug": KeyError("colour"),
        "exit": SystemExit(3),
    }
    raise errors[item["error"]]


class _Cold(Unavailable):
    code = "cold"
    permanent = True


def _segfault(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    print("noise " * 5000)
    print("about to read from nowhere", flush=True)
    ctypes.string_at(0)
    return Done()


def _kill_me(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    return Done()


def _abort(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    """What native code does when it gets no memory."""
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'")
    os.abort()


def _die_later(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    """Answer well, then die while nobody is asking."""
    if os.fork() == 0:
        time.sleep(0.05)
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(0)
    return Done({"pid": os.getpid()})


def _sleep(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    time.sleep(item.get("seconds", 60))
    return Done()


def _hold_interpreter(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    """Hang in C without letting any other Python thread run."""
    Path(item["mark"]).write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(60)
    return Done()


def _grandchildren(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    """One in this group, one in a session of its own, one in its own session whose parent has ended."""
    sleeper = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    near = subprocess.Popen(sleeper)
    far = subprocess.Popen(sleeper, start_new_session=True)
    forker = "import subprocess,sys; print(subprocess.Popen(sys.argv[1:], start_new_session=True, stdout=-3).pid)"
    daemon = subprocess.run([sys.executable, "-S", "-c", forker, *sleeper], stdout=subprocess.PIPE, check=True)
    text = f"{os.getpid()} {near.pid} {far.pid} {int(daemon.stdout)}"
    mark = Path(item["mark"])
    mark.with_suffix(".part").write_text(text)
    mark.with_suffix(".part").rename(mark)
    time.sleep(item.get("seconds", 60))
    return Done()


def _flood(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    """Print far more than any pipe holds, from Python and from below it."""
    print("x" * 200_000)
    os.write(1, b"y" * 2_000_000)
    subprocess.run([sys.executable, "-S", "-c", "print('z' * 200_000)"], check=True)
    return Done({"read": sys.stdin.read()})


def _huge(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    return Done({"text": "x" * item["size"]})


def _answer(stage: str, item: dict[str, Any], progress: Progress) -> Any:
    answers = {"none": None, "path": Done({"path": Path("a")}), "nan": Done({"n": float("nan")})}
    return {**answers, "surrogate": Done({"name": "\udcff"})}[item["answer"]]


def _allocate(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    return Done({"size": len(bytearray(item["megabytes"] << 20))})


def _environment(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    return Done({name: os.environ.get(name, "") for name in item["names"]})


def _modules(stage: str, item: dict[str, Any], progress: Progress) -> Outcome:
    return Done({"modules": sorted(sys.modules)})


_DEEDS: dict[str, Callable[[str, dict[str, Any], Progress], Outcome]] = {
    "echo": _echo,
    "fail": _fail,
    "steps": _steps,
    "raise": _raise,
    "segfault": _segfault,
    "kill me": _kill_me,
    "abort": _abort,
    "die later": _die_later,
    "sleep": _sleep,
    "hold": _hold_interpreter,
    "grandchildren": _grandchildren,
    "flood": _flood,
    "huge": _huge,
    "answer": _answer,
    "allocate": _allocate,
    "environment": _environment,
    "modules": _modules,
}

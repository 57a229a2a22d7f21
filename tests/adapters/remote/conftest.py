from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.remote.far import KINDS, Far
from tests.services import absent

Start = Callable[..., Far]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a server of a kind; it is ended after the test.

    Its home is not pytest's: the next pytest that starts shuts those to other users, such as the server's."""
    started: list[Far] = []

    def begin(kind: str, **more: Any) -> Far:
        started.append(Far(kind, Path(tempfile.mkdtemp(prefix="penstock-server-")), **more))
        return started[-1]

    yield begin
    for far in started:
        far.close()
        shutil.rmtree(far.home, ignore_errors=True)


@pytest.fixture(params=KINDS)
def far(request: pytest.FixtureRequest, start: Start) -> Far:
    """A server of each kind."""
    return start(request.param)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Where what is published lies here."""
    return tmp_path / "rendered.jpg"


@pytest.fixture
def small_disk(far: Far) -> Iterator[Path]:
    """A disk of one megabyte in the server's folder, as 2026/. Root can mount one."""
    place = far.root / "2026"
    place.mkdir(mode=0o777)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "none", str(place)], capture_output=True, timeout=20
    )
    if done.returncode:
        absent("a small disk cannot be mounted by this user")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True, timeout=20)


@pytest.fixture
def read_only(small_disk: Path) -> Path:
    """A folder that not even root can write."""
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True, timeout=20)
    return small_disk

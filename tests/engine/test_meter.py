from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter

import pytest

from penstock.engine.clock import VirtualClock
from penstock.engine.meter import Meter

BUSY = "import subprocess, sys\nprint(flush=True)\nwhile True: pass"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {BUSY!r}])"


@pytest.fixture
def spinner() -> Iterator[subprocess.Popen[bytes]]:
    """A process that burns its processor."""
    process = subprocess.Popen([sys.executable, "-S", "-c", BUSY], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def spend(meter: Meter, pid: int, seconds: float) -> float:
    """Sample until the process has spent `seconds` more of its processor."""
    until = perf_counter() + 20
    spent = start = meter.sample([pid]).cpu_seconds
    while spent < start + seconds:
        assert perf_counter() < until
        spent = meter.sample([pid]).cpu_seconds
    return spent


def test_processor_time_counts_from_the_first_sample_and_percent_from_the_sample_before(
    spinner: subprocess.Popen[bytes],
) -> None:
    clock = VirtualClock()
    meter = Meter(clock)
    first = meter.sample([spinner.pid])
    assert (first.cpu_percent, first.cpu_seconds) == (0.0, 0.0)
    assert 1.0 < first.rss_mb < 200.0
    spent = spend(meter, spinner.pid, 0.1)
    clock.advance(1.0)
    usage = meter.sample([spinner.pid])
    assert usage.cpu_seconds >= spent
    assert usage.cpu_percent == pytest.approx(100 * (usage.cpu_seconds - spent), abs=1e-6)
    assert meter.peaks() == {
        "cpu_percent": round(usage.cpu_percent, 1),
        "rss_mb": pytest.approx(usage.rss_mb, abs=1.0),
        "cpu_seconds": round(usage.cpu_seconds, 3),
    }


def test_the_processes_below_count_too() -> None:
    parent = subprocess.Popen([sys.executable, "-S", "-c", PARENT], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert parent.stdout is not None
        parent.stdout.readline()
        meter = Meter(VirtualClock())
        assert spend(meter, parent.pid, 0.1) >= 0.1
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.communicate()


def test_a_vanished_process_keeps_what_it_spent(spinner: subprocess.Popen[bytes]) -> None:
    meter = Meter(VirtualClock())
    spent = spend(meter, spinner.pid, 0.05)
    spinner.kill()
    spinner.wait()
    after = meter.sample([spinner.pid, 2**22 + 1])
    assert after.cpu_seconds >= spent
    assert after.rss_mb == 0.0
    assert meter.peaks()["rss_mb"] > 1.0


def test_a_meter_that_saw_nothing_has_no_peaks() -> None:
    meter = Meter(VirtualClock())
    assert meter.peaks() == {"cpu_percent": 0.0, "rss_mb": 0.0, "cpu_seconds": 0.0}
    meter.sample([])
    assert meter.peaks()["cpu_seconds"] == 0.0

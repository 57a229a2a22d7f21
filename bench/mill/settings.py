"""The program's settings, and the mill among its rooms."""

from __future__ import annotations

from penstock.settings import *  # noqa: F403
from penstock.settings import INSTALLED_APPS as ROOMS

INSTALLED_APPS = [*ROOMS, "bench.mill"]

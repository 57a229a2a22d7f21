"""The console's addresses."""

from __future__ import annotations

urlpatterns: list[object] = []

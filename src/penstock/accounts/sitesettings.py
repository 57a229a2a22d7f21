"""The settings that a pipeline gives to its sites."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from penstock.accounts import SETTINGS
from penstock.accounts.models import Site
from penstock.engine.errors import UsageError


def settings_of(site: Site) -> Any:
    """The module that checks and changes them. Raises UsageError for a pipeline that has none."""
    if site.pipeline not in SETTINGS:
        raise UsageError(f"the pipeline {site.pipeline} has no settings")
    return import_module(SETTINGS[site.pipeline])


def values_of(site: Site) -> dict[str, Any]:
    """Every setting with its value, set or default; nothing for a pipeline that has none."""
    if site.pipeline not in SETTINGS:
        return {}
    return {key: site.settings.get(key, default) for key, default, _ in settings_of(site).describe()}

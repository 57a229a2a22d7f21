"""What every pipeline does with the settings of its sites, which a pydantic model names: read, change, describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from penstock.accounts.models import Site
from penstock.engine.errors import UsageError

Form = TypeVar("Form", bound=BaseModel)


def read(form: type[Form], values: Mapping[str, Any]) -> Form:
    """Settings from what a site or a run has stored. Raises UsageError naming the key."""
    known = {key: value for key, value in values.items() if key in form.model_fields}
    try:
        return form(**known)
    except ValidationError as error:
        raise UsageError(_sentence(error)) from None


def change(
    form: type[BaseModel],
    site: Site,
    changes: Mapping[str, str],
    what: str,
    typed: Callable[[str, str], Any] = lambda _key, text: text,
) -> None:
    """Set keys of a site from text, which `typed` makes a value of; no text takes a key back. All or none.

    Raises UsageError naming the key; `what` is the kind of site."""
    merged = dict(site.settings)
    for key, text in changes.items():
        if key not in form.model_fields:
            raise UsageError(f"{key}: a {what} site has no such setting; `penstock site show {site.name}` lists them")
        if text == "":
            merged.pop(key, None)
        else:
            merged[key] = typed(key, text)
    plain = read(form, merged).model_dump(mode="json")
    site.settings = {key: plain[key] for key in merged if key in plain}
    site.save(update_fields=["settings"])


def describe(form: type[BaseModel]) -> list[tuple[str, Any, str]]:
    """(key, default, meaning) of every setting, in order."""
    fields = form.model_fields.items()
    return [(key, field.get_default(call_default_factory=True), field.description or "") for key, field in fields]


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else "settings"
    return f"{key}: {first['msg'][0].lower()}{first['msg'][1:]} (given: {str(first['input'])[:60]!r})"

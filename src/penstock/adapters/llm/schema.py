"""Does a value fit a JSON Schema? The part of the standard that answers of a model need, nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.engine.errors import UsageError

_NOTES = frozenset({"$defs", "title", "description", "default", "examples", "$schema", "format"})
_CHECKED = frozenset(
    {"$ref", "anyOf", "const", "enum", "type", "properties", "required", "additionalProperties", "items"}
    | {"minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "minimum", "maximum"}
)
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def mismatch(value: Any, schema: Mapping[str, Any], path: str = "answer", root: Mapping[str, Any] | None = None) -> str:
    """The first reason why `value` does not fit, or "". Raises UsageError for a keyword it cannot check."""
    root = schema if root is None else root
    unknown = schema.keys() - _NOTES - _CHECKED
    if unknown:
        raise UsageError(f"the answer schema uses {sorted(unknown)}, which is not checked; leave it out")
    if "$ref" in schema:
        return mismatch(value, _resolve(schema["$ref"], root), path, root)
    if "anyOf" in schema:
        reasons = [mismatch(value, choice, path, root) for choice in schema["anyOf"]]
        return "" if "" in reasons else reasons[0]
    return (
        _wrong_type(value, schema, path)
        or _wrong_value(value, schema, path)
        or _wrong_size(value, schema, path)
        or _wrong_fields(value, schema, path, root)
        or _wrong_items(value, schema, path, root)
    )


def _resolve(ref: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    definitions: Mapping[str, Mapping[str, Any]] = root.get("$defs", {})
    name = ref.removeprefix("#/$defs/")
    if name not in definitions:
        raise UsageError(f"the answer schema refers to {ref}, which it does not define")
    return definitions[name]


def _wrong_type(value: Any, schema: Mapping[str, Any], path: str) -> str:
    wanted = schema.get("type")
    if wanted is None:
        return ""
    names: Sequence[str] = [wanted] if isinstance(wanted, str) else wanted
    if any(_is(value, name) for name in names):
        return ""
    return f"{path} is {type(value).__name__}, not {' or '.join(names)}"


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):  # to Python a bool is an int
        return name == "boolean"
    return isinstance(value, _TYPES[name])


def _wrong_value(value: Any, schema: Mapping[str, Any], path: str) -> str:
    if "const" in schema and value != schema["const"]:
        return f"{path} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{path} is none of {schema['enum']!r}"
    return ""


def _wrong_size(value: Any, schema: Mapping[str, Any], path: str) -> str:
    if isinstance(value, bool | dict) or value is None:
        return ""
    kind = "Items" if isinstance(value, list) else "Length"
    if isinstance(value, list | str):
        low, high, size = schema.get(f"min{kind}"), schema.get(f"max{kind}"), len(value)
    else:
        low, high, size = schema.get("minimum"), schema.get("maximum"), value
    if low is not None and size < low:
        return f"{path} has {size}, fewer than {low}"
    if high is not None and size > high:
        return f"{path} has {size}, more than {high}"
    return ""


def _wrong_fields(value: Any, schema: Mapping[str, Any], path: str, root: Mapping[str, Any]) -> str:
    if not isinstance(value, dict):
        return ""
    properties: Mapping[str, Any] = schema.get("properties", {})
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{path} lacks {', '.join(missing)}"
    for name, one in value.items():
        rule = properties.get(name, schema.get("additionalProperties", True))
        if rule is False:
            return f"{path} has a field {name[:40]!r} that was not asked for"
        reason = "" if rule is True else mismatch(one, rule, f"{path}.{name}", root)
        if reason:
            return reason
    return ""


def _wrong_items(value: Any, schema: Mapping[str, Any], path: str, root: Mapping[str, Any]) -> str:
    if not isinstance(value, list):
        return ""
    if schema.get("uniqueItems") and any(one in value[:index] for index, one in enumerate(value)):
        return f"{path} says the same thing twice"
    rule = schema.get("items")
    if rule is None:
        return ""
    reasons = (mismatch(one, rule, f"{path}[{index}]", root) for index, one in enumerate(value))
    return next(filter(None, reasons), "")

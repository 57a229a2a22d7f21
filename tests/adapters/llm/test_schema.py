from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from penstock.adapters.llm.schema import mismatch
from penstock.engine.errors import UsageError


@pytest.mark.parametrize(
    ("value", "schema", "reason"),
    [
        ("a", {"type": "string"}, ""),
        (3, {"type": "string"}, "answer is int, not string"),
        (True, {"type": "integer"}, "answer is bool, not integer"),
        (True, {"type": "boolean"}, ""),
        (2.5, {"type": ["integer", "null"]}, "answer is float, not integer or null"),
        (None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, ""),
        ("x", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "answer is str, not integer"),
        ("x", {"enum": ["a", "b"]}, "answer is none of ['a', 'b']"),
        ("x", {"const": "y"}, "answer is not 'y'"),
        ("", {"type": "string", "minLength": 1}, "answer has 0, fewer than 1"),
        ([1, 2], {"type": "array", "maxItems": 1}, "answer has 2, more than 1"),
        (11, {"type": "integer", "maximum": 10}, "answer has 11, more than 10"),
        (["a", 2], {"type": "array", "items": {"type": "string"}}, "answer[1] is int, not string"),
        (["a", "a"], {"type": "array", "uniqueItems": True}, "answer says the same thing twice"),
        ({}, {"type": "object", "required": ["a"]}, "answer lacks a"),
        (
            {"b": 1},
            {"type": "object", "additionalProperties": False},
            "answer has a field 'b' that was not asked for",
        ),
        (
            {"a": {"b": 1}},
            {"properties": {"a": {"properties": {"b": {"type": "null"}}}}},
            "answer.a.b is int, not null",
        ),
    ],
)
def test_the_first_mismatch_is_named_with_its_place(value: Any, schema: dict[str, Any], reason: str) -> None:
    assert mismatch(value, schema) == reason


def test_a_keyword_that_would_go_unchecked_is_an_error_of_ours() -> None:
    with pytest.raises(UsageError, match="pattern"):
        mismatch("a", {"type": "string", "pattern": "^b"})


class Part(BaseModel):
    name: str
    count: int | None = None


class Whole(BaseModel):
    parts: list[Part]


def test_schemas_that_pydantic_writes_are_understood() -> None:
    schema = TypeAdapter(Whole).json_schema()
    assert mismatch({"parts": [{"name": "a"}, {"name": "b", "count": 2}]}, schema) == ""
    assert mismatch({"parts": [{"name": 1}]}, schema) == "answer.parts[0].name is int, not string"


def test_a_reference_to_nothing_is_an_error_of_ours() -> None:
    with pytest.raises(UsageError, match="does not define"):
        mismatch({}, {"$ref": "#/$defs/Gone"})

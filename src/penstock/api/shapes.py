"""What goes in and out, typed: the fields of the specification, and no others."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

LARGEST = 2**63 - 1
_SIZE, _RESULT = r"^stage_[1-9][0-9]?_batch_size$", r"^stage_[1-9][0-9]?_result$"


def _digits(value: Any) -> Any:
    """A number in an address is digits: no signs, points, spaces or underscores."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,19}", value):
        raise PydanticCustomError("digits", "it must be a whole number")
    return value


def _truth(value: Any) -> Any:
    if value not in ("true", "false", True, False):
        raise PydanticCustomError("truth", "it must be true or false")
    return value in ("true", True)


def _whole(value: Any) -> Any:
    """To JSON 5.0 is a whole number, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


SiteId = Annotated[int, Field(ge=1, le=LARGEST, description="the site's number"), BeforeValidator(_digits)]
RunId = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}-[0-9]{6}-[a-z2-7]{4}$"), Field(description="the run")]
Lines = Annotated[int, Field(ge=1, le=5000, description="how many lines"), BeforeValidator(_digits)]
Flag = Annotated[bool, BeforeValidator(_truth)]

Moment = Annotated[
    datetime,
    PlainSerializer(lambda at: at.isoformat(timespec="seconds")),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Frequency = Literal["daily", "weekly", "monthly"]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Delay = Annotated[float, Field(ge=0, le=3600)]
Size = Annotated[int, Field(ge=1, le=1000), BeforeValidator(_whole)]


def _numbered(pattern: str) -> Callable[[dict[str, Any]], None]:
    """The schema of an object whose other fields are one per stage."""

    def add(schema: dict[str, Any]) -> None:
        schema["patternProperties"] = {pattern: schema["additionalProperties"]}
        schema["additionalProperties"] = False

    return add


_SIZES, _RESULTS = _numbered(_SIZE), _numbered(_RESULT)


class Problem(BaseModel):
    """What every error looks like."""

    error: str = Field(description="one sentence: what, where, how to mend it")
    code: str = Field(pattern="^[a-z][a-z_]*$")
    detail: dict[str, Any]


class Config(BaseModel):
    """The configuration of a site, with one `stage_N_batch_size` for each stage that batches."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_SIZES)
    __pydantic_extra__: dict[str, Size]
    site_id: int
    pipeline: str
    is_enabled: bool
    frequency: Frequency
    scheduled_time: TimeOfDay
    timezone: str
    within_stage_delay: Delay
    between_stage_delay: Delay
    overlap: bool
    last_run_at: Moment | None
    next_run_at: Moment | None


def _only_given(schema: dict[str, Any]) -> None:
    """Every field may be left out; none may be null."""
    _SIZES(schema)
    for field in schema["properties"].values():
        field.pop("default", None)


class Changes(BaseModel):
    """What is to change. Everything may be left out, and then stays as it is."""

    model_config = ConfigDict(extra="allow", strict=True, json_schema_extra=_only_given)
    __pydantic_extra__: dict[str, Size]
    is_enabled: bool = False
    frequency: Frequency = "daily"
    scheduled_time: TimeOfDay = "00:00"
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=60)] = "UTC"
    within_stage_delay: Delay = 0
    between_stage_delay: Delay = 0
    overlap: bool = False

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(exclude_unset=True)


class Started(BaseModel):
    """The run that was started."""

    run_id: str


class StageResult(BaseModel):
    """What a stage has done so far. Pipelines add their own counts."""

    model_config = ConfigDict(extra="allow")
    batches_run: int
    credits_used: float
    time_elapsed: float
    skipped: bool
    skip_reason: str
    partial: bool
    failed: int
    quarantined: int


class PastRun(BaseModel):
    """A run without the results of its stages."""

    run_id: str
    site_id: int
    pipeline: str
    trigger_type: Literal["manual", "scheduled"]
    status: Literal["running", "paused", "cancelled", "completed", "failed"]
    current_stage: int = Field(ge=1)
    started_at: Moment
    paused_at: Moment | None
    resumed_at: Moment | None
    cancelled_at: Moment | None
    completed_at: Moment | None
    interrupted: bool
    total_credits_used: float
    error_message: str


class Run(PastRun):
    """A run with one `stage_N_result` for each stage: null until the stage starts."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_RESULTS)
    __pydantic_extra__: dict[str, StageResult | None]


class History(BaseModel):
    """The last twenty runs, newest first."""

    runs: list[PastRun]


class Stage(BaseModel):
    """A stage and where its rows are."""

    number: int
    name: str
    title: str
    kind: Literal["ai", "local", "manual"]
    pending: int
    counts: dict[str, int]


class Overview(BaseModel):
    """The pipeline of a site."""

    site_id: int
    pipeline: str
    run_id: str | None
    stages: list[Stage]


class Item(BaseModel):
    """An item that is worked on. `seconds` since it was taken up."""

    id: int
    title: str
    started_at: Moment
    seconds: float


class Processing(BaseModel):
    """What is being worked on right now."""

    run_id: str
    stage: int
    stage_name: str
    processed: int
    total: int
    items: list[Item]
    rate_per_minute: float
    eta_seconds: int | None


class Log(BaseModel):
    """The tail of a run's log, oldest line first."""

    run_id: str
    lines: list[str]


class Estimate(BaseModel):
    """What a run would cost. Sufficient is a balance of 1.2 times the estimate."""

    estimated_credits: float
    current_balance: float
    sufficient: bool


class Undone(BaseModel):
    """What a rollback did, or would do."""

    run_id: str
    dry_run: bool
    rows: int
    files: int
    names: int
    skipped_published: int


class Lock(BaseModel):
    """Who holds the site."""

    key: str
    held: bool
    run_id: str | None
    owner: str | None
    host: str | None
    epoch: int | None
    since: Moment | None
    heartbeat_at: Moment | None
    expires_at: Moment | None
    alive: bool

"""What the editor's scripts send."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from penstock.console.editor.wire import Body

ItemId = Annotated[int, Field(ge=1, le=2**53)]
Ids = Annotated[list[ItemId], Field(max_length=10_000)]
Text = Annotated[str, Field(max_length=4000)]
FieldName = Literal["Caption", "alt_text", "Keywords", "File_Name", "Subject", "Location", "Folder", "QR"]
TextField = Literal["Caption", "alt_text", "Keywords"]
Verb = Literal["approve", "reject", "pending", "hold", "unhold", "edit", "save_approve", "generated"]


class Open(Body):
    """A sitting: what the filters leave, in order; or, with `ids`, those rows as they are now."""

    filters: dict[str, Annotated[str, Field(max_length=100)]] = {}
    ids: Ids | None = None


class Some(Body):
    """Rows by id."""

    ids: Annotated[list[ItemId], Field(max_length=200)]


class One(Body):
    """A row by id."""

    item: ItemId


class Wanted(Body):
    """One decision: once per `decision_id`, and only for the row at `revision`."""

    decision_id: Annotated[str, Field(pattern=r"^[\w-]{8,40}$")]
    item: ItemId
    verb: Verb
    revision: Annotated[int, Field(ge=0)]
    seen: Annotated[str, Field(max_length=64)] | None = None
    reason: Annotated[str, Field(max_length=500)] = ""
    fields: dict[FieldName, Text] = {}
    job: ItemId | None = None


class Decisions(Body):
    """Decisions in the order in which they were taken."""

    decisions: Annotated[list[Wanted], Field(max_length=50)]


class Pulse(Body):
    """Where this window is, and what it has heard so far."""

    sitting: Annotated[str, Field(pattern=r"^[\w-]{8,40}$")]
    item: ItemId | None = None
    since: Annotated[int, Field(ge=0)] = 0
    take_over: bool = False
    leaving: bool = False


class Name(Body):
    """A file name as it is being typed."""

    item: ItemId
    name: Annotated[str, Field(max_length=300)]


class Rating(Body):
    """A quality rating as it is being typed."""

    rating: Annotated[str, Field(max_length=20)]


class Texts(Body):
    """Texts whose spelling is asked for, by any key."""

    texts: Annotated[dict[Annotated[str, Field(max_length=40)], Text], Field(max_length=400)]


class Word(Body):
    """A word for the site's dictionary."""

    word: Annotated[str, Field(min_length=1, max_length=60)]


class Suggest(Body):
    """A word that is not known."""

    word: Annotated[str, Field(min_length=1, max_length=60)]


class Generate(Body):
    """Rows whose texts are to be written anew, and which of them."""

    items: Annotated[list[ItemId], Field(min_length=1, max_length=200)]
    fields: Annotated[list[TextField], Field(min_length=1, max_length=3)]


class Jobs(Body):
    """Generations that are looked after."""

    jobs: Annotated[list[ItemId], Field(max_length=400)]

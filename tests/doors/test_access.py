"""Who reaches what: every route of both doors, by everybody, with every id. A new route without a row fails.

Rows are found by the router: the name of a console page, or method and path of an API operation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.api.conftest import HOST, Town, town

__all__ = ["town"]

WHO = ("anonymous", "foreign", "viewer", "operator", "owner")
ROLES = ("viewer", "operator", "owner")
API = "/api/v1/automation/"


@dataclass(frozen=True)
class Row:
    """What a route needs: a role ("" = anybody, "?" = anybody who is signed in), and its ids."""

    needs: str
    ids: tuple[str, ...] = ()
    body: Any = None


SITE, RUN = ("site_id",), ("site_id", "run_id")
API_ROWS = {
    "GET config": Row("viewer", SITE),
    "PUT update_config": Row("owner", SITE, {"overlap": False}),
    "POST run_now": Row("operator", SITE),
    "GET current_run": Row("viewer", SITE),
    "GET pipeline_overview": Row("viewer", SITE),
    "GET current_processing": Row("viewer", RUN),
    "POST pause": Row("operator", RUN),
    "POST resume": Row("operator", RUN),
    "POST cancel": Row("operator", RUN),
    "GET history": Row("viewer", SITE),
    "GET logs": Row("viewer", ("run_id",)),
    "GET estimate": Row("viewer", SITE),
    "POST rollback": Row("owner", RUN),
    "GET lock": Row("viewer", SITE),
    "POST release_lock": Row("owner", SITE),
}
PLACE, ITEM, ONE = ("site",), ("site", "item"), ("run",)
EDITOR = "queue rows past pulse decisions name rating spell suggest add_word forget_word twins generate jobs".split()
PAGE_ROWS = {
    "sites": Row("?"),
    "sign_in": Row(""),
    "sign_out": Row("?"),
    "review": Row("viewer", PLACE),
    "item": Row("viewer", ITEM),
    "picture": Row("viewer", ITEM),
    "original": Row("viewer", ITEM),
    "editor": Row("viewer", PLACE),
    **{f"editor_{name}": Row("operator", PLACE) for name in EDITOR},
    "publish": Row("viewer", PLACE),
    "publish_confirm": Row("viewer", PLACE),
    "publish_run": Row("viewer", ("site", "run")),
    "recover": Row("viewer", PLACE),
    "rollback": Row("viewer", ONE),
    "runs": Row("viewer", PLACE),
    "run": Row("viewer", ONE),
}
FORMS = {"review": "operator", "item": "operator", "publish": "operator", "recover": "operator", "rollback": "owner"}
"""Pages that take a form → who may send it."""

OTHER = {"healthz", "readyz", "metrics", "api-root", "openapi-json"}
"""Tested in tests/api/test_health.py and test_urls.py: they have no ids."""


def operations() -> Iterator[str]:
    """Every operation of the API as "GET config"."""
    from penstock.api.urls import api

    for path, methods in api.get_openapi_schema()["paths"].items():
        yield from (f"{method.upper()} {path.removeprefix(API)}" for method in methods)


def pages(patterns: Any = None) -> Iterator[URLPattern]:
    """Every address that is no operation of the API."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(one, URLResolver):
            yield from pages(one.url_patterns) if one.namespace != "api" else ()
        elif one.name:
            yield one


def test_every_operation_of_the_api_has_a_row() -> None:
    assert sorted(operations()) == sorted(API_ROWS)


def test_every_page_has_a_row_with_all_of_its_ids() -> None:
    found = {str(one.name): tuple(one.pattern.converters) for one in pages() if one.name not in OTHER}
    assert found == {name: row.ids for name, row in PAGE_ROWS.items()}


def test_every_parameter_that_names_something_is_an_id_of_its_row() -> None:
    from penstock.api.urls import api

    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, told in methods.items():
            ids = tuple(p["name"] for p in told["parameters"] if p["name"].endswith("_id"))
            assert ids == API_ROWS[f"{method.upper()} {path.removeprefix(API)}"].ids


def value(town: Town, name: str, whose: str) -> Any:
    """An id: our own, somebody else's, or of nothing."""
    values = {
        "site_id": (town.ours.pk, town.theirs.pk, 99_999_999),
        "run_id": (town.run, town.theirs_run, "20200101-000000-aaaa"),
        "site": (town.ours.name, town.theirs.name, "nowhere"),
        "run": (town.run, town.theirs_run, "20200101-000000-aaaa"),
        "item": (town.item, town.theirs_item, 99_999_999),
    }
    return values[name][("ours", "theirs", "nobodys").index(whose)]


def ask(town: Town, who: str, name: str, row: Row, **whose: str) -> Any:
    """One operation of the API; ids are our own unless said otherwise."""
    method, path = name.split()
    ids = "&".join(f"{one}={value(town, one, whose.get(one, 'ours'))}" for one in row.ids)
    return town.call(who, method, f"{API}{path}?{ids}", row.body)


@pytest.mark.parametrize("name", API_ROWS)
def test_each_operation_answers_each_caller_by_their_role(town: Town, name: str) -> None:
    row = API_ROWS[name]
    for who in WHO:
        answer = ask(town, who, name, row)
        if who == "anonymous":
            wanted = {401}
        elif who == "foreign":
            wanted = {404}
        elif ROLES.index(who) < ROLES.index(row.needs):
            wanted = {403}
        else:
            wanted = {200, 201, 400}  # 400: the state does not fit, or there is nothing to release
        assert answer.status_code in wanted, (who, answer.content)
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error", "code", "detail"}


@pytest.mark.parametrize(("name", "one"), [(name, one) for name, row in API_ROWS.items() for one in row.ids])
@pytest.mark.parametrize("who", ROLES)
def test_what_is_somebody_elses_is_told_as_what_is_not_there(town: Town, name: str, one: str, who: str) -> None:
    before = everything(town.theirs)
    row = API_ROWS[name]
    foreign, missing = (ask(town, who, name, row, **{one: whose}) for whose in ("theirs", "nobodys"))
    assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)
    low = one == "run_id" and ROLES.index(who) < ROLES.index(row.needs)
    assert foreign.status_code == (403 if low else 404)
    assert everything(town.theirs) == before


def everything(site: Any) -> str:
    """What is stored of a site."""
    from penstock.accounts.models import Site
    from penstock.ledger import models as m
    from penstock.pipelines.photos.models import Photo

    kept = [Site.objects.filter(pk=site.pk), *(model.objects.filter(site=site) for model in (m.Run, m.Event, Photo))]
    return json.dumps([list(one.order_by("pk").values()) for one in kept], default=str)


def signed_in(town: Town, who: str) -> Client:
    """A browser with a session of that user."""
    from penstock.accounts.models import User
    from penstock.accounts.sessions import keeper

    client = Client(headers=HOST, raise_request_exception=False)
    if who != "anonymous":
        user = User.objects.get(name=who)
        client.cookies["penstock_session_80"] = keeper()._open(user, user.name)
    return client


def address(town: Town, name: str, **whose: str) -> str:
    from django.urls import reverse

    ids = {one: value(town, one, whose.get(one, "ours")) for one in PAGE_ROWS[name].ids}
    return reverse(name, kwargs=ids)


LOOKED_AT = [name for name, row in PAGE_ROWS.items() if row.ids and row.needs == "viewer"]
SENT_TO = FORMS | {name: row.needs for name, row in PAGE_ROWS.items() if row.needs == "operator"}


@pytest.mark.parametrize("name", LOOKED_AT)
def test_each_page_shows_itself_to_members_only(town: Town, name: str) -> None:
    from tests.console.rows import with_picture

    with_picture(_photo(town.item))
    with_picture(_photo(town.theirs_item))
    for who in WHO:
        client = signed_in(town, who)
        answer = client.get(address(town, name))
        hidden = {"anonymous": {401}, "foreign": {404}}
        assert answer.status_code in hidden.get(who, {200} if name not in NEED_MORE else {200, 404}), who
        for one in PAGE_ROWS[name].ids if who in ROLES else ():
            foreign = client.get(address(town, name, **{one: "theirs"}))
            missing = client.get(address(town, name, **{one: "nobodys"}))
            assert foreign.status_code == missing.status_code == 404
            ids = [str(value(town, one, whose)) for whose in ("theirs", "nobodys")]
            assert _plain(foreign, *ids) == _plain(missing, *ids)


NEED_MORE = ("original", "publish_run")
"""An original that is there, a run that published: what the town has not."""


@pytest.mark.parametrize("name", SENT_TO)
def test_who_may_not_change_something_changes_nothing(town: Town, name: str) -> None:
    before = everything(town.ours), everything(town.theirs)
    form = {"verb": "approve", "revision": "0", "once": "x", "rows": "0"}
    for who in WHO[: WHO.index(SENT_TO[name])]:
        answer = signed_in(town, who).post(address(town, name), form)
        assert answer.status_code == {"anonymous": 401, "foreign": 404}.get(who, 403), who
    for one in PAGE_ROWS[name].ids:
        for whose in ("theirs", "nobodys"):
            assert signed_in(town, "owner").post(address(town, name, **{one: whose}), form).status_code in (404, 422)
    assert (everything(town.ours), everything(town.theirs)) == before


def _photo(item: int) -> Any:
    from penstock.pipelines.photos.models import Photo

    return Photo.objects.select_related("site").get(pk=item)


def _plain(answer: Any, *ids: str) -> str:
    """The page without the tokens that each one has of its own, and without what was asked for."""
    text = re.sub(r'value="[A-Za-z0-9]{64}"', "", answer.content.decode())
    return re.sub("|".join(map(re.escape, ids)), "", text)


BODIES: tuple[dict[str, Any], ...] = (
    {"ids": ["ID"]},
    {"filters": {}, "ids": ["ID"]},
    {"item": "ID"},
    {"item": "ID", "name": "a.jpg"},
    {"items": ["ID"], "fields": ["Caption"]},
    {"jobs": ["ID"]},
    {"sitting": "sitting-1", "item": "ID"},
    {"decisions": [{"decision_id": "decision-1", "item": "ID", "verb": "approve", "revision": 0}]},
    {"decisions": [{"decision_id": "decision-2", "item": "ID", "verb": "reject", "revision": 0, "reason": "x"}]},
)
"""What the editor sends, with an id in its place."""


@pytest.mark.parametrize("name", EDITOR)
def test_an_id_inside_a_body_reaches_no_row_of_another_account(town: Town, name: str) -> None:
    client, before, taken = signed_in(town, "owner"), everything(town.theirs), 0
    for body in BODIES:
        told = []
        for one in (town.theirs_item, 99_999_999):
            sent = json.dumps(body).replace('"ID"', str(one)).replace("decision-", f"decision-{one}-")
            answer = client.post(address(town, f"editor_{name}"), sent, content_type="application/json")
            text = re.sub(r'"(at|now|until|since)": [^,}]+', "", answer.content.decode())
            told.append((answer.status_code, text.replace(str(one), "ID")))
            taken += answer.status_code < 400
        assert told[0] == told[1], body
    assert everything(town.theirs) == before
    assert taken or name in (
        "rating",
        "spell",
        "suggest",
        "add_word",
        "forget_word",
        "name",
        "twins",
        "past",
        "generate",
    )

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
PAGE_ROWS = {
    "sites": Row("?"),
    "sign_in": Row(""),
    "sign_out": Row("?"),
    "review": Row("viewer", ("site",)),
    "item": Row("viewer", ("site", "item")),
    "picture": Row("viewer", ("site", "item")),
    "runs": Row("viewer", ("site",)),
    "run": Row("viewer", ("run",)),
}
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


@pytest.mark.parametrize("name", [name for name, row in PAGE_ROWS.items() if row.ids])
def test_each_page_shows_itself_to_members_only(town: Town, name: str) -> None:
    from tests.console.rows import with_picture

    with_picture(_photo(town.item))
    with_picture(_photo(town.theirs_item))
    for who in WHO:
        client = signed_in(town, who)
        answer = client.get(address(town, name))
        assert answer.status_code == (401 if who == "anonymous" else 404 if who == "foreign" else 200), who
        for one in PAGE_ROWS[name].ids if who in ROLES else ():
            foreign = client.get(address(town, name, **{one: "theirs"}))
            missing = client.get(address(town, name, **{one: "nobodys"}))
            assert foreign.status_code == missing.status_code == 404
            ids = [str(value(town, one, whose)) for whose in ("theirs", "nobodys")]
            assert _plain(foreign, *ids) == _plain(missing, *ids)


@pytest.mark.parametrize("name", ["review", "item"])
def test_a_viewer_changes_nothing_on_a_page(town: Town, name: str) -> None:
    before = everything(town.ours)
    for who in ("anonymous", "foreign", "viewer"):
        answer = signed_in(town, who).post(address(town, name), {"verb": "approve", "revision": "0", "once": "x"})
        assert answer.status_code in (401, 403, 404, 405), who
    assert everything(town.ours) == before


def _photo(item: int) -> Any:
    from penstock.pipelines.photos.models import Photo

    return Photo.objects.select_related("site").get(pk=item)


def _plain(answer: Any, *ids: str) -> str:
    """The page without the tokens that each one has of its own, and without what was asked for."""
    text = re.sub(r'value="[A-Za-z0-9]{64}"', "", answer.content.decode())
    return re.sub("|".join(map(re.escape, ids)), "", text)

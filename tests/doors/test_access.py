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
    """What a route needs: a role ("" = anybody, "?" = anybody who is signed in), and its ids.

    Of a page: `acts` is the role that a POST takes ("" = it takes none), `looks` whether it answers GET."""

    needs: str
    ids: tuple[str, ...] = ()
    body: Any = None
    acts: str = ""
    looks: bool = True


def shown(ids: tuple[str, ...], needs: str = "viewer", acts: str = "") -> Row:
    """A page that can be looked at."""
    return Row(needs, ids, acts=acts)


def asked(ids: tuple[str, ...], acts: str = "operator") -> Row:
    """An address that only takes POST."""
    return Row("viewer", ids, acts=acts, looks=False)


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
ONE, ITEM, ACCOUNT = ("site",), ("site", "item"), ("account",)
EDITOR = "queue rows past pulse decisions name rating spell suggest add_word forget_word twins generate jobs".split()
PAGE_ROWS = {
    "sites": Row("?"),
    "sign_in": Row(""),
    "sign_out": Row("?"),
    "site_create": Row("?", looks=False),
    "automation_sites": Row("?"),
    "health": Row("?"),
    "help": Row("?"),
    "you": Row("?"),
    "password": Row("?", looks=False),
    "token_make": Row("?", looks=False),
    "token_revoke": Row("?", ("token",), looks=False),
    "home_audit": Row("?"),
    "members": shown(ACCOUNT, "owner", "owner"),
    "credits": shown(ACCOUNT, "viewer", "owner"),
    "audit": shown(ACCOUNT, "owner"),
    "automation": shown(ONE),
    "act": asked(ONE),
    "release": asked(ONE, "owner"),
    "configure": asked(ONE, "owner"),
    "sets": shown(ONE, acts="operator"),
    "integrations": shown(ONE, "owner", "owner"),
    "check": shown(ONE, "operator"),
    "review": shown(ONE),
    "item": shown(ITEM, acts="operator"),
    "picture": shown(ITEM),
    "original": shown(ITEM),
    "editor": shown(ONE),
    "editor_queue": asked(ONE, "viewer"),
    "editor_rows": asked(ONE, "viewer"),
    "editor_past": asked(ONE, "viewer"),
    "editor_pulse": asked(ONE),
    "editor_decisions": asked(ONE),
    "editor_name": asked(ONE, "viewer"),
    "editor_rating": asked(ONE, "viewer"),
    "editor_spell": asked(ONE, "viewer"),
    "editor_suggest": asked(ONE, "viewer"),
    "editor_add_word": asked(ONE),
    "editor_forget_word": asked(ONE),
    "editor_twins": asked(ONE, "viewer"),
    "editor_generate": asked(ONE),
    "editor_jobs": asked(ONE, "viewer"),
    "publish": shown(ONE, acts="operator"),
    "publish_confirm": shown(ONE),
    "publish_run": shown(("site", "run"), acts="operator"),
    "recover": shown(ONE, acts="operator"),
    "runs": shown(ONE),
    "run": shown(("run",)),
    "run_act": asked(("run",)),
    "run_log": shown(("run",)),
    "run_check": shown(("run",), "operator"),
    "run_incident": shown(("run",), "operator"),
    "rollback": shown(("run",), acts="owner"),
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
        "account": (town.ours.account.name, town.theirs.account.name, "nobodys"),
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


MEMBERS = [name for name, row in PAGE_ROWS.items() if row.ids and row.needs in ROLES]


@pytest.mark.parametrize("name", MEMBERS)
def test_each_page_shows_itself_by_role_and_to_members_only(town: Town, name: str) -> None:
    from tests.console.rows import with_picture

    with_picture(_photo(town.item))
    with_picture(_photo(town.theirs_item))
    row = PAGE_ROWS[name]
    for who in WHO:
        answer = signed_in(town, who).get(address(town, name))
        if who in ("anonymous", "foreign"):
            assert answer.status_code == (401 if who == "anonymous" else 404), who
        elif ROLES.index(who) < ROLES.index(row.needs):
            assert answer.status_code == 403, who
        else:
            assert answer.status_code in ((200, 302, 400, 404, 409, 422) if row.looks else (405,)), who


@pytest.mark.parametrize("name", MEMBERS)
def test_each_page_is_acted_on_by_role_and_by_members_only(town: Town, name: str) -> None:
    before, ours, row = everything(town.theirs), everything(town.ours), PAGE_ROWS[name]
    for who in WHO:
        answer = signed_in(town, who).post(address(town, name))
        if answer.status_code in (401, 403, 404, 405):
            assert everything(town.ours) == ours, who
        ours = everything(town.ours)
        if who in ("anonymous", "foreign"):
            assert answer.status_code == (401 if who == "anonymous" else 404), who
        elif ROLES.index(who) < ROLES.index(row.acts or "operator"):
            assert answer.status_code == 403, who
        elif not row.acts:
            assert answer.status_code in (403, 405), who
        else:
            assert answer.status_code in (200, 302, 400, 404, 409, 422), who
    assert everything(town.theirs) == before


@pytest.mark.parametrize(("name", "one"), [(name, one) for name in MEMBERS for one in PAGE_ROWS[name].ids])
def test_a_foreign_page_is_told_as_one_that_is_not_there(town: Town, name: str, one: str) -> None:
    for who in ROLES:
        for method in ("get", "post"):
            ask = getattr(signed_in(town, who), method)
            foreign, missing = (ask(address(town, name, **{one: whose})) for whose in ("theirs", "nobodys"))
            assert foreign.status_code == missing.status_code, (who, method)
            inner = one in ("item", "run") and "site" in PAGE_ROWS[name].ids  # the site is looked at before it
            assert foreign.status_code in ((403, 404, 405, 422) if inner else (404,)), (who, method)
            ids = [str(value(town, one, whose)) for whose in ("theirs", "nobodys")]
            assert _plain(foreign, *ids) == _plain(missing, *ids)


def test_the_audit_log_of_the_home_is_for_who_started_the_program(town: Town) -> None:
    from tests.console.rows import signed_in as local

    assert {signed_in(town, who).get("/audit").status_code for who in (*ROLES, "foreign")} == {404}
    assert local().get("/audit").status_code == 200


def test_a_token_is_revoked_by_its_own_user_only(town: Town) -> None:
    from penstock.accounts.models import ApiToken

    mine, other = (ApiToken.objects.get(user__name=name) for name in ("owner", "foreign"))
    client = signed_in(town, "owner")
    foreign, missing = (client.post(f"/you/tokens/{one}") for one in (other.pk, 99_999_999))
    assert foreign.status_code == missing.status_code == 404
    assert _plain(foreign) == _plain(missing)
    assert client.post(f"/you/tokens/{mine.pk}").status_code == 302
    assert {one.user.name: bool(one.revoked_at) for one in (mine, other) if not one.refresh_from_db()} == {
        "owner": True,
        "foreign": False,
    }


@pytest.mark.parametrize("address", ["/health", "/help", "/you", "/automation", "/"])
def test_pages_of_the_home_name_nothing_that_is_somebody_elses(town: Town, address: str) -> None:
    answer = signed_in(town, "owner").get(address, follow=True)
    assert answer.status_code == 200
    assert "theirs" not in answer.content.decode()


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
    return re.sub("|".join(map(re.escape, ids)), "", text) if ids else text


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

"""The API's addresses."""

from __future__ import annotations

from django.urls import path, re_path
from ninja import NinjaAPI

from penstock import __version__
from penstock.api import automation, health, problems
from penstock.api.callers import Cookie, Token

api = NinjaAPI(
    title="Penstock", version=__version__, urls_namespace="api", docs_url=None, openapi_url="openapi.json",
    auth=[Token(), Cookie()], parser=problems.StrictJson(),
    description="Pipelines with a gate. Every error is one shape: {error, code, detail}.",
)  # fmt: skip
problems.install(api)
api.add_router("automation/", automation.router)

urlpatterns = [
    path("api/v1/", api.urls),
    re_path("^api/", problems.missing),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

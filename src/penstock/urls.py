"""Mounts the doors."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("penstock.api.urls")), path("", include("penstock.console.urls"))]

handler400 = "penstock.console.problems.bad_request"
handler403 = "penstock.console.problems.denied"
handler404 = "penstock.console.problems.missing"
handler500 = "penstock.console.problems.broken"

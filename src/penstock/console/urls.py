"""The console's addresses."""

from __future__ import annotations

from django.urls import path

from penstock.console import pages, pictures, review, signin

urlpatterns = [
    path("", pages.sites, name="sites"),
    path("signin", signin.sign_in, name="sign_in"),
    path("signout", signin.sign_out, name="sign_out"),
    path("sites/<slug:site>/review", review.listed, name="review"),
    path("sites/<slug:site>/review/<int:item>", review.one, name="item"),
    path("sites/<slug:site>/review/<int:item>/picture", pictures.picture, name="picture"),
    path("sites/<slug:site>/runs", pages.runs, name="runs"),
    path("runs/<str:run>", pages.run, name="run"),
]

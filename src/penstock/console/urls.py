"""The console's addresses."""

from __future__ import annotations

from django.urls import path

from penstock.console import pages, pictures, publishing, review, signin, undoing
from penstock.console.editor import decisions, generating, looking, page, sitting

urlpatterns = [
    path("", pages.sites, name="sites"),
    path("signin", signin.sign_in, name="sign_in"),
    path("signout", signin.sign_out, name="sign_out"),
    path("sites/<slug:site>/review", review.listed, name="review"),
    path("sites/<slug:site>/review/<int:item>", review.one, name="item"),
    path("sites/<slug:site>/review/<int:item>/picture", pictures.picture, name="picture"),
    path("sites/<slug:site>/review/<int:item>/original", pictures.original, name="original"),
    path("sites/<slug:site>/editor", page.editor, name="editor"),
    path("sites/<slug:site>/editor/queue", sitting.queue, name="editor_queue"),
    path("sites/<slug:site>/editor/rows", sitting.whole, name="editor_rows"),
    path("sites/<slug:site>/editor/past", sitting.past, name="editor_past"),
    path("sites/<slug:site>/editor/pulse", sitting.pulse, name="editor_pulse"),
    path("sites/<slug:site>/editor/decisions", decisions.decide, name="editor_decisions"),
    path("sites/<slug:site>/editor/name", looking.name, name="editor_name"),
    path("sites/<slug:site>/editor/rating", looking.rating, name="editor_rating"),
    path("sites/<slug:site>/editor/spell", looking.spell, name="editor_spell"),
    path("sites/<slug:site>/editor/suggest", looking.suggest, name="editor_suggest"),
    path("sites/<slug:site>/editor/add_word", looking.add_word, name="editor_add_word"),
    path("sites/<slug:site>/editor/forget_word", looking.forget_word, name="editor_forget_word"),
    path("sites/<slug:site>/editor/twins", looking.twins, name="editor_twins"),
    path("sites/<slug:site>/editor/generate", generating.generate, name="editor_generate"),
    path("sites/<slug:site>/editor/jobs", generating.jobs, name="editor_jobs"),
    path("sites/<slug:site>/publish", publishing.panel, name="publish"),
    path("sites/<slug:site>/publish/confirm", publishing.confirm, name="publish_confirm"),
    path("sites/<slug:site>/publish/<str:run>", publishing.progress, name="publish_run"),
    path("sites/<slug:site>/recover", undoing.crashed, name="recover"),
    path("runs/<str:run>/rollback", undoing.roll_back, name="rollback"),
    path("sites/<slug:site>/runs", pages.runs, name="runs"),
    path("runs/<str:run>", pages.run, name="run"),
]

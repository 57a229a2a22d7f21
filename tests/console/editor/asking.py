"""Asks the editor's addresses as its scripts do."""

from __future__ import annotations

import itertools
import json
from typing import Any

from penstock.pipelines.photos.models import Photo
from penstock.review.gate import fingerprint, gate_of
from tests.console.rows import signed_in

_numbers = itertools.count(1)


class Desk:
    """A window of the editor on a site."""

    def __init__(self, site: str = "rome") -> None:
        self.site, self.client = site, signed_in()

    def ask(self, name: str, /, **body: Any) -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        answer = self.client.post(
            f"/sites/{self.site}/editor/{name}", data=json.dumps(body), content_type="application/json"
        )
        return answer.status_code, answer.json()

    def told(self, name: str, /, **body: Any) -> dict[str, Any]:
        """The answer, when all is well."""
        status, answer = self.ask(name, **body)
        assert status == 200, answer
        return answer

    def decide(self, *wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """What became of decisions."""
        return list(self.told("decisions", decisions=list(wanted))["results"])


def wanted(made: Photo, verb: str, **more: Any) -> dict[str, Any]:
    """A decision on a photo as it stands now."""
    made.refresh_from_db()
    once = f"decision-{next(_numbers):06}"
    return {"decision_id": once, "item": made.pk, "verb": verb, "revision": made.revision, **more}


def seen(made: Photo) -> str:
    """The fingerprint of a photo as it stands now."""
    row = Photo.objects.filter(pk=made.pk).values()[0]
    return fingerprint(gate_of("photo"), row)


def state(made: Photo) -> tuple[str, int]:
    """State and revision as they are stored."""
    made.refresh_from_db()
    return made.state, made.revision

"""What every answer says to the browser: nothing inline but what this answer's nonce marks, nothing from elsewhere,
nothing kept."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

from penstock.engine.ids import Ids, RandomIds

POLICY = (
    "default-src 'none'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
IDS: Ids = RandomIds()
ALWAYS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Nonce:
    """A word that is made when a template asks for it; the policy names it only then."""

    def __init__(self) -> None:
        self._word = ""

    def __str__(self) -> str:
        self._word = self._word or IDS.token()
        return self._word

    def source(self) -> str:
        """As the policy says it; "" when nobody asked."""
        return f" 'nonce-{self._word}'" if self._word else ""


class Headers:
    """Refuses a foreign Host before anything else, and sets the headers that a view did not set itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        nonce = Nonce()
        request.csp_nonce = nonce  # type: ignore[attr-defined]  # {{ request.csp_nonce }} in a template
        response = self._answer(request)
        for name, value in ALWAYS.items():
            response.headers[name] = value
        response.headers.setdefault("Content-Security-Policy", POLICY.format(nonce=nonce.source()))
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost:
            text = "This server answers under its own address only: open the link that it printed.\n"
            return HttpResponseBadRequest(text, content_type="text/plain; charset=utf-8")
        return self._get_response(request)

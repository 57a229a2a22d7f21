"""Pictures of rows. A file is named by its row and lies below the site's folder, or it is not served."""

from __future__ import annotations

from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from penstock.accounts.models import site_named
from penstock.console.cards import picture_file
from penstock.console.listing import Filters, Listing
from penstock.ledger.rows import model_of

SIGNATURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
LARGEST = 16 << 20  # bytes; a working copy has a few hundred kB
KEEP = 24 * 3600  # seconds; the address names the version


@require_safe
def picture(request: HttpRequest, site: str, item: int) -> HttpResponse:
    """The working copy of a row."""
    owner = site_named(site)
    table = Listing(owner, Filters()).gate.table
    row = model_of(table).objects.filter(site=owner, id=item).values("working_path", "ollama_path").first()
    file = picture_file(row) if row else None
    data = _bytes(file, owner.root) if file else b""
    kind = next((kind for mark, kind in SIGNATURES.items() if data.startswith(mark)), None)
    if kind is None:
        raise Http404
    response = HttpResponse(data, content_type=kind)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = f"private, max-age={KEEP}"
    response.headers["Content-Disposition"] = "inline"
    return response


def _bytes(file: Path, root: Path) -> bytes:
    """The file, when it lies below `root` and is a small one; its type is told by its bytes, never by its name."""
    try:
        if not file.resolve().is_relative_to(root.resolve()) or file.stat().st_size > LARGEST:
            return b""
        return file.read_bytes()
    except OSError:  # a run may have replaced or removed it meanwhile
        return b""

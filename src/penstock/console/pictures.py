"""Pictures of rows. A file is named by its row and lies below the site's folder, or it is not served."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TypeVar

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from penstock.accounts.models import Site, site_named
from penstock.adapters.photo.decode import fitted
from penstock.console.cards import picture_file
from penstock.console.listing import Filters, Listing
from penstock.engine.errors import ItemError
from penstock.ledger.rows import model_of

SIGNATURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"RIFF": "image/webp"}
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
LARGEST = 16 << 20  # bytes; a working copy has a few hundred kB
LARGEST_ORIGINAL = 200 << 20
SMALL = (320, 320)  # pixels of a picture in the grid
R = TypeVar("R", bound=HttpResponseBase)
KEEP = 24 * 3600  # seconds; the address names the version


@require_safe
def picture(request: HttpRequest, site: str, item: int) -> HttpResponse:
    """The working copy of a row; `?size=small` is a small one, for the grid."""
    owner = site_named(site)
    row = _row(owner, item, "working_path", "ollama_path")
    file = picture_file(row) if row else None
    data = _bytes(file, owner.root) if file else b""
    if data and file and request.GET.get("size") == "small":
        data = _small(file)
    kind = _kind(data)
    if kind is None:
        raise Http404
    return _kept(HttpResponse(data, content_type=kind))


@require_safe
def original(request: HttpRequest, site: str, item: int) -> HttpResponseBase:
    """The original's own bytes, for looking at single pixels. Browsers turn it upright themselves."""
    owner = site_named(site)
    row = _row(owner, item, "staged_path")
    file = Path(row["staged_path"]) if row and row["staged_path"] else None
    if file is None or not _allowed(file, owner.root, LARGEST_ORIGINAL):
        raise Http404
    try:
        stream = file.open("rb")
    except OSError:  # it may be on its way elsewhere
        raise Http404 from None
    kind = _kind(stream.read(16))
    stream.seek(0)
    if kind is None:
        stream.close()
        raise Http404
    return _kept(FileResponse(stream, content_type=kind))


def _row(owner: Site, item: int, *columns: str) -> dict[str, str] | None:
    table = Listing(owner, Filters()).gate.table
    found: dict[str, str] | None = model_of(table).objects.filter(site=owner, id=item).values(*columns).first()
    return found


def _kind(data: bytes) -> str | None:
    """What the bytes say, never the name."""
    return next((kind for mark, kind in SIGNATURES.items() if data.startswith(mark)), None)


def _kept(response: R) -> R:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = f"private, max-age={KEEP}, immutable"
    response.headers["Content-Disposition"] = "inline"
    return response


def _small(file: Path) -> bytes:
    """Our own working copy, made smaller; b"" when it cannot be read now."""
    out = io.BytesIO()
    try:
        fitted(file, SMALL).save(out, "JPEG", quality=80)
    except ItemError:
        return b""
    return out.getvalue()


def _allowed(file: Path, root: Path, most: int) -> bool:
    try:
        return file.resolve().is_relative_to(root.resolve()) and file.stat().st_size <= most
    except OSError:
        return False


def _bytes(file: Path, root: Path) -> bytes:
    """The file, when it lies below `root` and is a small one."""
    try:
        return file.read_bytes() if _allowed(file, root, LARGEST) else b""
    except OSError:  # a run may have replaced or removed it meanwhile
        return b""

"""What publishing adds to preflight and to post-run validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from penstock.accounts.models import Site
from penstock.engine.errors import PenstockError
from penstock.ledger.models import Run
from penstock.publish import drift, targets, uploadlog
from penstock.publish.models import THERE, Delivery
from penstock.records.check import Check, fail, ok, warn

ADDRESSES = 200  # public addresses that one verify asks for
SECONDS = 10.0


def places(site: Site) -> Iterator[Check]:
    """Every target can be written to."""
    listed = targets.listed(site)
    if not listed:
        yield warn("targets", "there is none: nothing can be published", f"penstock target add {site.name} web …")
    for target in listed:
        try:
            yield ok(f"target {target.name}", targets.test(target))
        except PenstockError as error:
            yield fail(f"target {target.name}", str(error), f"penstock target test {site.name} {target.name}")


def uploads(run: Run) -> Iterator[Check]:
    """Point 4: the uploader log tells of no failure that was not mended since."""
    broken = Delivery.objects.filter(site=run.site, state__in=["failed", "quarantined"]).exclude(outcome__in=THERE)
    latest = [one for one in broken.order_by("id") if not _mended(one)]
    where = uploadlog.path(run.site)
    if latest:
        first = f"{latest[0].payload.get('title', latest[0].item)}: {latest[0].error}"
        mend = f"penstock publish {run.site.name}"
        yield fail("uploader log", f"{len(latest)} deliveries failed; the first: {first}", mend)
    else:
        yield ok("uploader log", f"no delivery stands failed ({where})")


def _mended(delivery: Delivery) -> bool:
    later = Delivery.objects.filter(target=delivery.target_id, item=delivery.item, id__gt=delivery.id)
    return later.filter(outcome__in=THERE).exists()


def rows(run: Run) -> Iterator[Check]:
    """Points 5 and 7: what was published stands on the targets as it was delivered."""
    found = [one for one in drift.reconcile(run.site) if one.what != "foreign"]
    if found:
        kinds = ", ".join(f"{n} {what}" for what, n in Counter(one.what for one in found).items())
        text = f"{kinds}; the first: {found[0].detail}"
        yield fail("targets agree", text, f"penstock reconcile {run.site.name}")
    else:
        n = Delivery.objects.filter(site=run.site, outcome__in=THERE).values("item").distinct().count()
        yield ok("targets agree", f"{n} published items stand on their targets as they were delivered")


def addresses(run: Run) -> Iterator[Check]:
    """Point 6: public picture and thumbnail addresses answer. Only addresses that begin with http are asked."""
    public = [url for url in _addresses(run.site) if url.startswith(("http://", "https://"))]
    if not public:
        yield ok("public addresses", "the site has none (public_url_base is not set), or nothing is published")
        return
    silent = [(url, why) for url in public[:ADDRESSES] if (why := _silence(url))]
    if silent:
        url, why = silent[0]
        text = f"{len(silent)} do not answer; the first: {url}: {why}"
        yield fail("public addresses", text, "Look at the web server.")
    else:
        yield ok("public addresses", f"{len(public[:ADDRESSES])} of {len(public)} addresses answer")


def _addresses(site: Site) -> list[str]:
    sent = Delivery.objects.filter(site=site, outcome__in=THERE).order_by("-id").values_list("payload", flat=True)
    made = (payload["row"].get(name, "") for payload in sent for name in ("Path", "Thumb_Path"))
    return list(dict.fromkeys(made))


def _silence(url: str) -> str:
    """Why an address does not answer with a picture; "" when it does."""
    import httpx2

    try:
        answer = httpx2.get(url, timeout=SECONDS, trust_env=False)
    except httpx2.HTTPError as error:
        return str(error) or type(error).__name__
    kind = answer.headers.get("content-type", "")
    if answer.status_code != 200:
        return f"status {answer.status_code}"
    return "" if kind.startswith("image/") or not kind else f"it is {kind[:40]}, not a picture"

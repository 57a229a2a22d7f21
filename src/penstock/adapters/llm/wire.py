"""The way to a model server: checked addresses, no redirects, no proxies from the environment, capped bodies.

Both providers use it. The `ollama` package is not used for calls: it drops response headers (Retry-After),
buffers a line without end, and sends OLLAMA_API_KEY of the environment to any host.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import httpx2

from penstock.adapters.llm.model import BadAnswer
from penstock.engine.errors import Blocking, UsageError
from penstock.engine.failpoint import declare, failpoint

declare("model.before_request", "model.after_request")

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) → addresses. Raises OSError when the name is unknown."""

MOST_BYTES = 4 << 20  # of one response body; an answer of 512 tokens takes about 0.1 MiB
MOST_LINE = 256 << 10
_HEADERS = frozenset({"host", "content-type", "content-length", "transfer-encoding", "accept", "user-agent"})
_METADATA = frozenset({"100.100.100.200", "fd00:ec2::254"})  # cloud metadata outside the link-local ranges


def base_url(text: str) -> str:
    """`text` as scheme://host:port/path without a final slash. Raises UsageError, naming no credentials."""
    text = text.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError("The model server's address is no valid URL: write it as http://host:port.") from error
    if parts.username is not None or parts.password is not None:
        raise UsageError("The model server's address must not hold a name or password: set the key on its own.")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or port == 0:
        raise UsageError(f"The model server's address must look like http://host:port, not {text[:100]!r}.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def forbidden(address: str) -> bool:
    """Whether no model server can live at `address`: link-local, cloud metadata, multicast, unspecified."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    if mapped is not None:
        ip = mapped
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified or str(ip) in _METADATA


async def resolve(host: str, port: int) -> list[str]:
    """The system's resolver, IPv4 first: local servers often listen there only."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(entry[4][0]) for entry in sorted(found, key=lambda entry: entry[0]))
    return list(addresses)


class Wire(httpx2.AsyncBaseTransport):
    """Connects only to addresses that were checked, and sends only the headers that are needed.

    The key joins a request here and nowhere else, so that no client object, log line or error can show it.
    """

    def __init__(self, *, key: str = "", resolver: Resolver = resolve, most_bytes: int = MOST_BYTES) -> None:
        self._key = key
        self._resolver = resolver
        self._most = most_bytes
        # No connection is kept: one that the server closed meanwhile would look like a crash.
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send to the first checked address that accepts. Raises Blocking for a forbidden one."""
        failure: httpx2.TransportError = httpx2.ConnectError("the name has no address", request=request)
        for address in await self._addresses(request):
            try:
                failpoint("model.before_request")
                response = await self._inner.handle_async_request(self._pinned(request, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
                continue
            failpoint("model.after_request")
            capped = _Capped(response.stream, self._most)
            return httpx2.Response(
                response.status_code, headers=response.headers, stream=capped, extensions=response.extensions
            )
        raise failure

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()

    async def _addresses(self, request: httpx2.Request) -> list[str]:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = await self._resolver(host, port)
        except OSError as error:
            raise httpx2.ConnectError(f"the name {host} is unknown", request=request) from error
        if any(forbidden(address) for address in addresses):
            raise Blocking(
                f"The model server's name {host} leads to a forbidden address (metadata or link-local): "
                "set its real one.",
                code="model_address",
            )
        return addresses

    def _pinned(self, request: httpx2.Request, address: str) -> httpx2.Request:
        """The request to exactly the checked address: a second, different DNS answer cannot redirect it."""
        headers = [(name, value) for name, value in request.headers.items() if name.lower() in _HEADERS]
        headers.append(("accept-encoding", "identity"))
        if self._key:
            headers.append(("authorization", f"Bearer {self._key}"))
        return httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )


class _Capped(httpx2.AsyncByteStream):
    """A response body that ends with an error when it grows past `most` bytes."""

    def __init__(self, inner: object, most: int) -> None:
        assert isinstance(inner, httpx2.AsyncByteStream)
        self._inner = inner
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > self._most:
                raise BadAnswer(f"The answer grew past {self._most} bytes and was cut off.", code="endless")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def client(wire: Wire, connect: float) -> httpx2.AsyncClient:
    """An HTTP client over `wire` that follows no redirect. Other time limits are the caller's."""
    return httpx2.AsyncClient(
        transport=wire, trust_env=False, follow_redirects=False, timeout=httpx2.Timeout(None, connect=connect)
    )


async def lines(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The non-empty lines of a streamed body. Raises BadAnswer for a line that does not end."""
    buffer = b""
    async for chunk in response.aiter_bytes():
        *whole, buffer = (buffer + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
        if len(buffer) > MOST_LINE:
            raise BadAnswer("The answer holds a line without end.", code="endless")
    if buffer.strip():
        yield buffer

"""A small HTTP/1.1 server on 127.0.0.1 that can misbehave: one request per connection, resets on demand."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self


class Gone(Exception):
    """The connection is over."""


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def data(self) -> dict[str, Any]:
        """The JSON body, or {}."""
        try:
            data = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}


@dataclass
class Exchange:
    """The server's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    chunked: bool = field(default=False, init=False)

    async def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole response."""
        lengths = {"Content-Length": str(len(body)), "Content-Type": "application/json; charset=utf-8"}
        self.writer.write(_head(status, lengths | (headers or {})) + body)
        await self._drain()

    async def json(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        """A JSON response."""
        await self.reply(status, json.dumps(data).encode(), headers)

    async def begin(self, kind: str) -> None:
        """The head of a streamed response."""
        self.chunked = True
        self.writer.write(_head(200, {"Transfer-Encoding": "chunked", "Content-Type": kind}))
        await self._drain()

    async def send(self, data: bytes) -> None:
        """One chunk. Raises Gone when the client has left."""
        if self.reader.at_eof() or self.writer.is_closing():
            raise Gone
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self._drain()

    async def end(self) -> None:
        """The end of a streamed response."""
        self.writer.write(b"0\r\n\r\n")
        await self._drain()

    async def hang(self) -> None:
        """Say nothing until the client leaves; then raise Gone."""
        while await self.reader.read(65536):
            continue
        raise Gone

    def reset(self) -> None:
        """Cut the connection with a reset, as a killed process does. Raises Gone."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        raise Gone

    async def _drain(self) -> None:
        try:
            await self.writer.drain()
        except ConnectionError as error:
            raise Gone from error


class Loopback:
    """Serves `handle` on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, request: Request, exchange: Exchange) -> None:
        """Answer one request."""
        raise NotImplementedError

    async def start(self, port: int = 0) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Refuse every further connection."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Stop, and end what is under way."""
        self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve from a thread of its own, for tests without an event loop."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result(10)
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self.close(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.handle(await _read(reader), Exchange(reader, writer))
        except (Gone, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()  # the client has left, or was meant to be left
        finally:
            self._tasks.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return Request(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))))


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")

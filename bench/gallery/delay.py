"""A connection that is slow: what goes through here arrives later, in both directions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def delayed(port: int, round_trip: float) -> Iterator[int]:
    """The port of a proxy to `port` of this machine; each way takes half of `round_trip` seconds."""
    found: list[int] = []
    ready = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        over = asyncio.Event()
        stop.append((asyncio.get_running_loop(), over))

        async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.CancelledError):  # at the end
                there, here = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pass(reader, here, round_trip / 2), _pass(there, writer, round_trip / 2))

        server = await asyncio.start_server(come, "127.0.0.1", 0)
        found.append(server.sockets[0].getsockname()[1])
        ready.set()
        await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield found[0]
    finally:
        loop, over = stop[0]
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late: float) -> None:
    """Bytes keep their order and are not slowed down otherwise."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def send() -> None:
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)

    sender = asyncio.ensure_future(send())
    try:
        while data := await reader.read(1 << 16):
            waiting.put_nowait((loop.time() + late, data))
    except OSError:
        pass
    waiting.put_nowait((loop.time() + late, b""))
    await sender

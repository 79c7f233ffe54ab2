"""A proxy for clients that cannot send a token: it adds one, puts the server's address where its own stood, and passes the rest.

Host and Origin of anybody else are passed as they are, so that the server's own checks are what answers them. Each request has
a connection of its own; bytes after the head are not looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 1 << 16
_HEAD = 1 << 18
_NAMING = (b"host", b"origin")
_OWN = (b"connection", b"authorization")


@asynccontextmanager
async def with_token(url: str, token: str) -> AsyncIterator[str]:
    """The URL at which the server at ``url`` can be called without its token."""
    target = urlsplit(url)
    assert target.hostname is not None and target.port is not None
    theirs = f"{target.hostname}:{target.port}".encode()
    under_way: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current = asyncio.current_task()
        assert current is not None
        under_way.add(current)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            there_in, there_out = await asyncio.open_connection(target.hostname, target.port)
            ours = ":{}".format(writer.get_extra_info("sockname")[1]).encode()
            there_out.write(_rewritten(head, ours, theirs, token))
            with suppress(OSError):
                await _until_one_ends(_copy(reader, there_out), _copy(there_in, writer))
            there_out.close()
        writer.close()
        under_way.discard(current)

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, limit=_HEAD)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}{target.path}"
    finally:
        server.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def _rewritten(head: bytes, ours: bytes, theirs: bytes, token: str) -> bytes:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = []
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() in _NAMING and value.strip().endswith((b"localhost" + ours, b"127.0.0.1" + ours)):
            scheme, slashes, _ = value.strip().rpartition(b"//")
            line = name + b": " + scheme + slashes + theirs
        if name.lower() not in _OWN:
            kept.append(line)
    own = [b"Connection: close", f"Authorization: Bearer {token}".encode()]
    return b"\r\n".join([first, *kept, *own, b"", b""])


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


async def _until_one_ends(*ways: object) -> None:
    tasks = [asyncio.ensure_future(way) for way in ways]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

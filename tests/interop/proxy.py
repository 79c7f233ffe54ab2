"""A proxy for clients that cannot send a token: it adds one, puts the server's address where its own stood, and passes the rest.

Host and Origin of anybody else are passed as they are, so that the server's own checks are what answers them. A connection to it
is one to the server; answers are passed unread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 1 << 16
_HEAD = 1 << 18
_START_S = 10.0
_NAMING = (b"host", b"origin")


@contextmanager
def with_token(url: str, token: str) -> Iterator[str]:
    """The URL at which the server at ``url`` can be called without its token, as long as the block lasts."""
    loop, started = asyncio.new_event_loop(), threading.Event()
    proxy = _Proxy(url, token)

    async def run() -> None:
        async with await proxy.listen():
            started.set()
            await proxy.ended.wait()
            await proxy.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="proxy")
    thread.start()
    try:
        assert started.wait(_START_S), "the proxy did not start"
        yield proxy.url
    finally:
        loop.call_soon_threadsafe(proxy.ended.set)
        thread.join()
        loop.close()


class _Proxy:
    def __init__(self, url: str, token: str) -> None:
        target = urlsplit(url)
        assert target.hostname is not None and target.port is not None
        self._host, self._port, self._path = target.hostname, target.port, target.path
        self._token = token
        self._under_way: set[asyncio.Task[None]] = set()
        self.ended = asyncio.Event()
        self.url = ""

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD)
        self._own = server.sockets[0].getsockname()[1]
        self.url = f"http://localhost:{self._own}{self._path}"
        return server

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current = asyncio.current_task()
        assert current is not None
        self._under_way.add(current)
        try:
            with suppress(OSError):
                there_in, there_out = await asyncio.open_connection(self._host, self._port)
                asking = asyncio.create_task(self._requests(reader, there_out))
                answering = asyncio.create_task(_copy(there_in, writer))
                await asyncio.wait((asking, answering), return_when=asyncio.FIRST_COMPLETED)
                for way in (asking, answering):
                    way.cancel()
                await asyncio.gather(asking, answering, return_exceptions=True)
                there_out.close()
        finally:
            writer.close()
            self._under_way.discard(current)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass requests on, one after the other, until the client closes its side."""
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            rewritten, length = self._rewritten(head)
            writer.write(rewritten + await reader.readexactly(length))
            await writer.drain()

    def _rewritten(self, head: bytes) -> tuple[bytes, int]:
        """A request's head as the server is to see it, and how long its body is."""
        first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        ours = tuple(f"{name}:{self._own}".encode() for name in ("localhost", "127.0.0.1"))
        kept, length = [], 0
        for line in lines:
            name, _, value = line.partition(b":")
            assert name.lower() != b"transfer-encoding", "bodies without a length are not passed on"
            if name.lower() == b"content-length":
                length = int(value)
            if name.lower() in _NAMING and value.strip().endswith(ours):
                scheme, slashes, _ = value.strip().rpartition(b"//")
                line = name + b": " + scheme + slashes + f"{self._host}:{self._port}".encode()
            if name.lower() != b"authorization":
                kept.append(line)
        return b"\r\n".join([first, *kept, f"Authorization: Bearer {self._token}".encode(), b"", b""]), length


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()

"""A local server that speaks the OpenAI chat protocol, misbehaves on command and counts what it charged.

``ChatServer(answer)`` answers each request by ``answer(prompt) -> str`` (the JSON, as the model would write it) and charges it: a
token for each word. A request that offers tools is answered by ``calling(body)``: the tools it calls, or a text. Misdeeds are
queued with ``misbehave``: each request takes the next one, or behaves when none is left. It honours Idempotency-Key as payment
servers do: a key seen before gets the same answer again and is not charged again, unless the server is told to know no keys. What
was charged stands in ``charged`` and outlives no client.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[str], str]
Calling = Callable[[dict[str, Any]], list[tuple[str, dict[str, Any]]] | str]


@dataclass(frozen=True, slots=True)
class Misdeed:
    """``kind``: status, hang, cut, broken, refusal, length, says (``body`` in place of the answer), slow, html, unpaid_cut."""

    kind: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    key: str
    input_tokens: int
    output_tokens: int


class ChatServer:
    """``with ChatServer(answer) as server``: in a thread of its own; ``server.url`` is its base URL."""

    def __init__(
        self, answer: Answer, *, latency_s: float = 0.0, slots: int = 1000, knows_keys: bool = True
    ) -> None:
        self.answer, self.latency_s, self.knows_keys = answer, latency_s, knows_keys
        self.calling: Calling = lambda body: ""
        self.misdeeds: deque[Misdeed] = deque()
        self.always: Misdeed | None = None  # done to every request
        self.charged: list[Charge] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: Counter[str] = Counter()
        self.times: list[tuple[float, float]] = []  # of each request in a slot, by the server's loop
        self._known: dict[str, dict[str, Any]] = {}
        self._slots = slots
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="chat-server", daemon=True)
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._hold_from, self._hold_until = 0, 0
        self._held, self._released = threading.Event(), asyncio.Event()

    def __enter__(self) -> ChatServer:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def hold(self, first: int, count: int) -> None:
        """Leave ``count`` requests from number ``first`` on without an answer, every other one charged already."""
        self._held.clear()
        self._hold_from, self._hold_until = first, first + count

    def wait_until_held(self, timeout_s: float) -> bool:
        return self._held.wait(timeout_s)

    def release(self) -> None:
        """Go on with what was held, whether or not anybody still waits for it."""
        self._loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def misbehave(self, *misdeeds: Misdeed) -> None:
        self.misdeeds.extend(misdeeds)

    @property
    def tokens(self) -> tuple[int, int]:
        """Charged in all: sent, answered."""
        return sum(c.input_tokens for c in self.charged), sum(c.output_tokens for c in self.charged)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        self._slot = asyncio.Semaphore(self._slots)
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", self._chat)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        key = request.headers.get("Idempotency-Key", "")
        self.requests.append({"body": body, "headers": dict(request.headers), "key": key})
        self.keys[key] += 1
        number = len(self.requests)
        held = self._hold_from <= number < self._hold_until
        if held and number == self._hold_until - 1:
            self._held.set()
        if held and number % 2:
            await self._released.wait()
        misdeed = self.always or (self.misdeeds.popleft() if self.misdeeds else None)
        if misdeed is not None and misdeed.kind == "status":
            return web.Response(status=misdeed.status, headers=misdeed.headers, text=misdeed.body)
        if misdeed is not None and misdeed.kind == "unpaid_cut":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        async with self._slot:
            began = self._loop.time()
            await asyncio.sleep(self.latency_s)
            self.times.append((began, self._loop.time()))
        completion = self._completion(key, body, misdeed)
        if held and not number % 2:
            await self._released.wait()
        return await self._sent(request, completion, misdeed)

    def _completion(self, key: str, body: dict[str, Any], misdeed: Misdeed | None) -> dict[str, Any]:
        """The answer, charged: by the key once, where keys are known."""
        if self.knows_keys and key and key in self._known:
            return self._known[key]
        prompt = str(body["messages"][-1]["content"])
        message: dict[str, Any] = {"role": "assistant", "content": None}
        finish = "stop"
        if misdeed is not None and misdeed.kind == "refusal":
            message["refusal"] = "I would rather not."
        elif misdeed is not None and misdeed.kind in ("says", "length"):
            message["content"], finish = misdeed.body, "length" if misdeed.kind == "length" else "stop"
        elif "tools" in body:
            message, finish = _called(self.calling(body), len(self.charged))
        else:
            message["content"] = self.answer(prompt)
        sent = sum(len(str(one["content"]).split()) for one in body["messages"])
        said = message["content"] or message.get("refusal") or json.dumps(message.get("tool_calls"))
        answered = len(str(said).split())
        self.charged.append(Charge(key, sent, answered))
        made = {
            "id": f"chat-{len(self.charged)}",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": sent, "completion_tokens": answered, "total_tokens": sent + answered},
        }
        self._known[key] = made
        return made

    async def _sent(
        self, request: web.Request, completion: dict[str, Any], misdeed: Misdeed | None
    ) -> web.StreamResponse:
        data = json.dumps(completion).encode()
        kind = "" if misdeed is None else misdeed.kind
        if kind == "html":
            return web.Response(text="<html>upstream timed out</html>", content_type="text/html")
        if kind == "broken":
            return web.Response(body=data[: len(data) // 2], content_type="application/json")
        if kind not in ("hang", "cut", "slow"):
            return web.Response(body=data, content_type="application/json")
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        answer.content_length = len(data)
        if kind == "hang":
            await self._stop.wait()
            return web.Response()
        await answer.prepare(request)
        if kind == "cut":
            await answer.write(data[: len(data) // 2])
            assert request.transport is not None
            request.transport.close()
            return answer
        for at in range(0, len(data), 8):  # slow: a few bytes, and again, longer than anybody waits
            await answer.write(data[at : at + 8])
            await asyncio.sleep(0.05)
        return answer


def _called(calls: list[tuple[str, dict[str, Any]]] | str, number: int) -> tuple[dict[str, Any], str]:
    """A message that calls tools, or says something, and how it ended."""
    if isinstance(calls, str):
        return {"role": "assistant", "content": calls}, "stop"
    made = [
        {
            "id": f"call-{number}-{place}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for place, (name, arguments) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}, "tool_calls"

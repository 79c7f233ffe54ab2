"""A process that speaks as much of vLLM's protocol as our client reads, for tests of the process edge: no model is in it.

The log-probability of a token is a function of its number, of the prompt before it and of the adapter's name; greedy replies
repeat the prompt's last token. It starts a grandchild that hears no SIGTERM, as an engine may. ``--die-at-once`` ends it with a
traceback before it serves; a prompt that begins with the token 13 kills it; one that begins with 14 is
refused, and of one that begins with 15 the engine says that it failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FATAL, REFUSED, FAILING = 13, 14, 15


def logprob(token: int, before: int, model: str) -> float:
    return -((token * 7 + before * 3 + len(model)) % 50) / 16


class Handler(BaseHTTPRequestHandler):
    models: list[dict[str, Any]]
    key: str

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _say(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _may_enter(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {self.key}":
            return True
        self._say(401, {"error": "Unauthorized"})
        return False

    def do_GET(self) -> None:
        if self.path == "/health":
            self._say(200, {})
        elif self._may_enter():
            self._say(200, {"object": "list", "data": self.models})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._may_enter():
            return
        if self.path == "/v1/load_lora_adapter":
            self.models.append({"id": body["lora_name"], "root": body["lora_path"], "parent": "base"})
            self._say(200, "Success")
        elif any(row[0] == FATAL for row in body["prompt"]):
            os._exit(1)
        elif any(row[0] == REFUSED for row in body["prompt"]):
            self._say(400, {"error": {"message": "this prompt is refused"}})
        elif any(row[0] == FAILING for row in body["prompt"]):
            self._say(500, {"error": {"message": "this engine fails"}})
        else:
            rows = list(enumerate(body["prompt"]))
            # in any order: it is the index that counts
            self._say(200, {"choices": [self._choice(number, row, body) for number, row in reversed(rows)]})

    def _choice(self, number: int, row: list[int], body: dict[str, Any]) -> dict[str, Any]:
        told = [None] + [
            {"1": {"logprob": -99.0}, str(t): {"logprob": logprob(t, b, body["model"])}}
            for b, t in itertools.pairwise(row)
        ]
        made = [row[-1]] * (body["max_tokens"] - 1) + body.get("stop_token_ids", [])[:1]
        return {"index": number, "token_ids": made, "prompt_logprobs": told, "text": ""}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--grandchild", type=Path, required=True)
    parser.add_argument("--die-at-once", action="store_true")
    options = parser.parse_args()
    if options.die_at_once:
        raise ValueError("no such architecture")
    deaf = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", deaf])
    with options.grandchild.open("a", encoding="ascii") as out:
        out.write(f"{child.pid}\n")
    Handler.models = [{"id": "base", "root": options.model, "parent": None, "max_model_len": 64}]
    Handler.key = os.environ["VLLM_API_KEY"]
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()


if __name__ == "__main__":
    main()

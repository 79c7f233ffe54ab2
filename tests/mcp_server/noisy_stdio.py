"""``proda mcp SESSION`` in which each get_status makes noise: what libraries and their children may write while a tool runs.

Run as a module by test_stdio.py. The registry is changed before anything of the server is imported; all else is the real thing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from tools import registry
from tools.base import Tool

NOISE = ("a print", "a write to the descriptor", "a child process", "a model's library")


def make_noise(base: str) -> None:
    """Every way to standard output, and a model loaded by the library that says most."""
    from transformers import AutoModelForCausalLM

    print(NOISE[0], flush=True)
    os.write(1, f"{NOISE[1]}\n".encode())
    subprocess.run(["/bin/echo", NOISE[2]], check=True)
    AutoModelForCausalLM.from_pretrained(base)
    print(NOISE[3], file=sys.__stdout__, flush=True)


def noisy(tool: Tool) -> Tool:
    run: Callable[..., Awaitable[Any]] = tool.run

    async def loud(host: Any, arguments: Any) -> Any:
        make_noise(host.config.student.base)
        return await run(host, arguments)

    return replace(tool, run=loud)


if __name__ == "__main__":
    registry.TOOLS = tuple(noisy(tool) if tool.name == "get_status" else tool for tool in registry.TOOLS)
    from agent.cli.main import main

    sys.argv[1:1] = ["mcp"]
    main()

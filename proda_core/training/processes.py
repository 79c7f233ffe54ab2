"""Several processes for one training, started by its job: the worker is the first, the others stand beside it and end with it.

Each has the variables that torchrun would give it, so that accelerate finds the others by configuration alone. Only the first
reports, writes and is asked to stop. Where one of the others is lost, the worker ends as a killed one does: the job's next
launch goes on from the last checkpoint, a bounded number of times. Where the worker is lost, the others end by themselves.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import connection, parent_process
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from torch import distributed, multiprocessing
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # exported, its stub does not say so

from proda_core.errors import ConfigError
from proda_core.training.lora import make_accelerator
from proda_core.training.run import Observer, TrainingRun, load_base, train_run

HOST = "127.0.0.1"
NOTICE_S = 60.0  # the first process has this long to notice by itself that another is gone
_REAPING = (
    threading.Lock()
)  # of two threads that ask at once for an exit code, one is told that there is none


@contextmanager
def together(run: TrainingRun) -> Iterator[None]:
    """A training's other processes, from when they are ready until the block ends. Nothing happens for one process alone.

    ConfigError where there are GPUs, and fewer than processes. SystemExit where one of them is lost.
    """
    count = run.config.processes
    if count == 1:
        yield
        return
    _check(count)
    # It holds the port from now on: a free one that is only named may be another's before it is used.
    store = TCPStore(HOST, 0, is_master=True, wait_for_workers=False)
    with _environment(_variables(0, count, store.port)):
        others, ended = _start(run, count, store.port), threading.Event()
        try:
            _wait(others)
            _watch([process for process, _ in others], ended)
            yield
        except RuntimeError as error:
            _say_who_is_lost(others, error)
            raise
        finally:
            ended.set()
            for process, _ in others:
                process.kill()
                process.join()
            if distributed.is_initialized():
                distributed.destroy_process_group()


def _check(count: int) -> None:
    if torch.cuda.is_available() and count > torch.cuda.device_count():
        raise ConfigError(
            f"training.processes is {count} and there are {torch.cuda.device_count()} GPUs; each process takes one"
        )


def _variables(process: int, count: int, port: int) -> dict[str, str]:
    """What torchrun tells a process of itself; the store is there already, so none is to open one."""
    cores = len(os.sched_getaffinity(0))
    return {
        "RANK": str(process),
        "LOCAL_RANK": str(process),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": HOST,
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, cores // count))),
    }


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_Other = tuple[BaseProcess, Any]  # a process, and the pipe on which it says that it is ready


def _start(run: TrainingRun, count: int, port: int) -> list[_Other]:
    spawn = multiprocessing.get_context("spawn")
    others: list[_Other] = []
    for number in range(1, count):
        ours, theirs = spawn.Pipe()
        variables = _variables(number, count, port)
        process = spawn.Process(
            target=_serve, args=(theirs, run, variables), name=f"training {number}", daemon=True
        )
        process.start()
        theirs.close()
        others.append((process, ours))
    return others


def _wait(others: Sequence[_Other]) -> None:
    """Go on when all are ready to meet; SystemExit when one ended before."""
    for process, pipe in others:
        connection.wait([pipe, process.sentinel])
        try:
            pipe.recv()
        except EOFError:
            process.join()
            raise SystemExit(f"{process.name} ended with {process.exitcode} before it began") from None


def _watch(others: Sequence[BaseProcess], ended: threading.Event) -> None:
    """End the worker where it hangs on a process that is gone: its beat would go on, and nobody would know."""

    def watch() -> None:
        connection.wait([process.sentinel for process in others])
        if any(_exit_code(process) for process in others) and not ended.wait(NOTICE_S):
            sys.stderr.write("a process of this training is gone and the first one hangs; it ends\n")
            os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="others", daemon=True).start()


def _say_who_is_lost(others: Sequence[_Other], error: RuntimeError) -> None:
    """SystemExit where the error comes of a process that is gone."""
    connection.wait([process.sentinel for process, _ in others], timeout=5.0)
    for process, _ in others:
        if code := _exit_code(process):
            raise SystemExit(
                f"{process.name} ended with {code}; the next launch goes on from the last checkpoint"
            ) from error


def _exit_code(process: BaseProcess) -> int | None:
    """None while it lives. One whose end is seen may not have left its code yet: that is waited for."""
    with _REAPING:
        if connection.wait([process.sentinel], timeout=0):
            process.join()
        return process.exitcode


def _serve(pipe: Any, run: TrainingRun, variables: Mapping[str, str]) -> None:
    """The life of one of the other processes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the first process is asked to stop, and ends the others
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_first, name="first", daemon=True).start()
    os.environ.update(variables)
    pipe.send(True)
    pipe.close()
    try:
        make_accelerator()  # before anything is loaded: it chooses this process's GPU
        train_run(run, load_base(run.base, run.student, run.config), Observer())
    except RuntimeError:
        traceback.print_exc()
        os._exit(1)  # a broken group cannot be left in order
    distributed.destroy_process_group()


def _end_with_the_first() -> None:
    first = parent_process()
    if first is not None:
        first.join()
    os._exit(1)

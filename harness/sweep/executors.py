"""Worker processes, always started by spawn: the same on Linux, macOS and Windows.

A worker ends when its parent does, even by ``kill -9``: each waits on a pipe that only the parent holds open.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from harness.errors import EngineError, InputError


class SpawnPool(ProcessPoolExecutor):
    """A pool of ``workers`` processes. Ctrl-C reaches only the parent, which then calls :meth:`abandon`."""

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        reader, self._life_line = context.Pipe(duplex=False)
        super().__init__(workers, mp_context=context, initializer=_start_worker, initargs=(reader,))

    def abandon(self) -> None:
        """End all workers now, whatever they do."""
        self._life_line.close()
        self.shutdown(wait=True, cancel_futures=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        if wait and not self._life_line.closed:
            self._life_line.close()


def _start_worker(life_line: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(life_line,), daemon=True, name="parent watch").start()


def _end_with_parent(life_line: Connection) -> None:
    try:
        life_line.poll(None)
    finally:
        os._exit(1)


def end_now(executor: Executor) -> None:
    """Stop ``executor`` without waiting for what runs, as far as its kind allows."""
    abandon: Any = getattr(executor, "abandon", None)
    if abandon is not None:
        abandon()
    else:
        executor.shutdown(wait=False, cancel_futures=True)


def dask_executor(scheduler: str, wait_s: float = 30.0) -> tuple[Any, Executor, int]:
    """(client, its executor, worker threads) of a running Dask scheduler such as ``tcp://host:8786``.

    Raises ``InputError`` when ``distributed`` is missing, ``EngineError`` when no scheduler or no worker answers.
    """
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise InputError("--scheduler needs the package distributed; install the extra 'sweep'") from error
    untyped: Any = distributed
    try:
        client: Any = untyped.Client(scheduler, timeout=wait_s)
        client.wait_for_workers(1, timeout=wait_s)
    except (OSError, TimeoutError, ValueError) as error:
        raise EngineError(f"{scheduler}: no Dask scheduler with workers answers there ({error})") from error
    threads = sum(client.nthreads().values())
    return client, client.get_executor(pure=False, retries=2), threads

"""An engine that goes wrong as the parameter ``how`` says. Writes Lean's files as the scripted one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness.engines.base import BacktestRequest, Outcome
from harness.engines.scripted import ScriptedRun, write_lean_files


def main() -> None:
    options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    parameters = dict(item.split(":") for item in options["--parameters"].split(","))
    how = parameters["how"]
    folder = Path(options["--results-destination-folder"])
    request = BacktestRequest(Path("a.py"), "A", Path(), folder.parent, algorithm_id=options["--algorithm-id"])
    result = folder / f"{request.result_id}.json"
    if how == "crash before results":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "hang":
        time.sleep(600)
    if how == "hang and ignore being asked to end":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    if how == "endless output":
        while True:
            sys.stdout.write("x" * 65536)
    if how == "much output":
        for _ in range(3000):
            sys.stdout.write("y" * 65536)  # 197 MB
    if how == "orphan":
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        (folder.parent / "orphan.pid").write_text(str(child.pid))
    failed = how == "exit 0 with failed state"
    run = ScriptedRun(
        outcome=Outcome.RUNTIME_ERROR if failed else Outcome.COMPLETED, detail="Runtime Error: on purpose"
    )
    write_lean_files(request, run)
    whole = result.read_bytes()
    if how == "crash during results":
        result.write_bytes(whole[: len(whole) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "partial result and exit 0":
        result.write_bytes(whole[: len(whole) // 2])
    if how == "wrong encoding":
        result.write_bytes(whole.decode().encode("utf-16"))
    if how == "no results and exit 0":
        for path in folder.iterdir():
            path.unlink()
    if how == "status still running and exit 0":
        result.write_bytes(whole.replace(b'"Completed"', b'"Running"'))
    if how == "crash after results":
        os.kill(os.getpid(), signal.SIGABRT)


if __name__ == "__main__":
    main()

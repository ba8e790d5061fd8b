"""Runs a command with a Docker engine, the stand-in image and the real ``lean`` command at hand.

Usage: ``python scripts/with_docker.py COMMAND ...``, for instance ``make test-docker`` or ``make bench-standin``.

- Docker: the engine that answers already (``DOCKER_HOST``), else a ``dockerd`` of its own, when this is root: own data
  folder, own socket, no bridge, no firewall rules; it is ended with the command.
- Image: see ``standin_image.py``.
- lean: ``.venv-lean`` (``make lean``). Its module list, which lean downloads at import, is written when there is none;
  lean replaces it by the real one when it is a day old and the network is there.

The command sees ``DOCKER_HOST``, ``LEAN_COMMAND``, ``LEAN_IMAGE`` and a home folder of its own. Exit code 75
when there is no Docker engine and none can be started; the reason is printed.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".cache" / "docker"
LEAN = ROOT / ".venv-lean" / "bin" / "lean"
NO_DOCKER = 75
START_S = 30.0
DRIVERS = ("overlay2", "vfs")
MODULES = {
    "modules": [
        {
            "id": "LocalDisk",
            "display-id": "Local",
            "type": ["data-downloader"],
            "platform": ["cli"],
            "configurations": [
                {
                    "id": "data-provider",
                    "type": "info",
                    "value": "QuantConnect.Lean.Engine.DataFeeds.DefaultDataProvider",
                }
            ],
        }
    ]
}


def main(command: list[str]) -> int:
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    if not LEAN.is_file():
        print(f"{LEAN}: not there; `make lean` installs it", file=sys.stderr)
        return 2
    engine: subprocess.Popen[bytes] | None = None
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        if not answers(os.environ.get("DOCKER_HOST")):
            problem = lacking()
            if problem:
                print(f"with_docker: NO DOCKER ENGINE: {problem}", file=sys.stderr)
                return NO_DOCKER
            engine = start_engine()
            if engine is None:
                print(f"with_docker: NO DOCKER ENGINE: dockerd does not start here; see {FOLDER}/log", file=sys.stderr)
                return NO_DOCKER
        subprocess.run([sys.executable, str(ROOT / "scripts" / "standin_image.py")], check=True)
        import standin_image

        write_module_list()
        home = FOLDER / "home"
        home.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "HOME": str(home),
            "LEAN_COMMAND": str(LEAN),
            "LEAN_IMAGE": standin_image.IMAGE,
        }
        return subprocess.run(command, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 130
    finally:
        if engine is not None:
            engine.send_signal(signal.SIGTERM)
            try:
                engine.wait(timeout=30)
            except subprocess.TimeoutExpired:
                engine.kill()
            shutil.rmtree(socket_folder(), ignore_errors=True)


def answers(host: str | None) -> bool:
    """Whether a Docker engine answers at ``host``, or at the default socket."""
    if shutil.which("docker") is None:
        return False
    environment = {**os.environ, **({"DOCKER_HOST": host} if host else {})}
    done = subprocess.run(["docker", "version"], env=environment, capture_output=True, check=False)
    return done.returncode == 0


def lacking() -> str:
    """Why no engine can be started here; empty when it can be tried."""
    for program in ("docker", "dockerd", "containerd"):
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
            return f"{program} is not installed (Debian: apt install docker.io)"
    if os.geteuid() != 0:
        return "none answers, and only root can start one; start it and set DOCKER_HOST, or run this as root"
    return ""


def socket_folder() -> Path:
    """Short, since the path of a socket has 107 characters at most."""
    return Path(tempfile.gettempdir()) / f"harness-docker-{os.getpid()}"


def start_engine() -> subprocess.Popen[bytes] | None:
    """A ``dockerd`` of our own with the first storage driver that works; sets ``DOCKER_HOST``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wait_for_folder()
    run = socket_folder()
    run.mkdir(parents=True, exist_ok=True)
    host = f"unix://{run}/docker.sock"
    for driver in DRIVERS:
        command = [
            "dockerd", "--data-root", str(FOLDER / driver), "--exec-root", str(run / "exec"),
            "--pidfile", str(run / "pid"), "--host", host, "--storage-driver", driver,
            "--bridge=none", "--iptables=false", "--ip6tables=false",
        ]  # fmt: skip
        with (FOLDER / "log").open("wb") as log:
            path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
            engine = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": path},
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 (this script has one thread)
            )
        deadline = time.monotonic() + START_S
        while engine.poll() is None and time.monotonic() < deadline:
            if answers(host):
                os.environ["DOCKER_HOST"] = host
                return engine
            time.sleep(0.2)
        if engine.poll() is None:
            engine.terminate()
            engine.wait(timeout=30)
    return None


def wait_for_folder() -> None:
    """Two engines on one data folder would damage it: waits until no other run of this script has one."""
    lock = os.open(FOLDER / "lock", os.O_RDWR | os.O_CREAT)  # held, and left open, until this process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("with_docker: waiting for another run that has the Docker engine", file=sys.stderr, flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def end_with_parent() -> None:
    """In the child: dockerd is told to end when this script is killed."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM, 0, 0, 0)


def write_module_list() -> None:
    """A list with the one module that a local backtest needs, where ``lean`` would else fail without the network."""
    package = next((LEAN.parents[1] / "lib").glob("python*/site-packages/lean"))
    # The name has a version in it that only lean itself knows.
    source = (package / "models" / "__init__.py").read_text("utf-8")
    name = source.partition('file_name = "')[2].partition('"')[0]
    path = package / name
    if name and not path.exists():
        path.write_text(json.dumps(MODULES))
        print(f"{path}: written, with the module for local data only")
    elif json.loads(path.read_text()) == MODULES:
        path.touch()  # ours: never old, or lean would look for the network in every run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

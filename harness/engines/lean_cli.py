"""``lean backtest``: real Lean in Docker, started by the ``lean`` command of lean-cli."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import docker
from requests.exceptions import RequestException

from harness.engines.base import BacktestRequest, BacktestRun, Measurement, Outcome
from harness.engines.checks import check_request
from harness.engines.containers import Leftover, forget, new_name, remove_container, take_down_leftovers
from harness.engines.docker_stats import LAST_EVENT_S, ContainerUse, ContainerWatch
from harness.engines.embedded import child_notes
from harness.engines.launcher import refuse_stale
from harness.engines.lean_log import LOG_NAME, LeanLog, epoch, read_log, split_phases
from harness.engines.lean_outcome import Allowances, judge
from harness.engines.lean_rules import lean_class_problems
from harness.engines.outcome import Ending, last_words
from harness.errors import EngineError
from harness.measure.child import ChildCommand, ChildResult, run_child
from harness.measure.fingerprint import load_1min
from harness.workspace import find_workspace, output_problem, prepare_run, workspace_problems

COMMAND_VARIABLE = "LEAN_COMMAND"
IMAGE_VARIABLE = "LEAN_IMAGE"
OWN_ENVIRONMENT = ".venv-lean"
DEFAULT_IMAGE = "quantconnect/lean:latest"
# lean-cli wants a number; the same one for every run, since it is in every order event.
ALGORITHM_ID = "1000000001"
# lean-cli prints through rich, which breaks lines at the width of a terminal that is not there.
COLUMNS = "4000"
# lean's own way to end: it kills and removes its container and its temporary folders. Without an answer from Docker
# that never ends.
STOP_SIGNAL, STOP_GRACE_S = signal.SIGINT, 10.0
TEMPORARY_NAME = "tmp"


@dataclass(frozen=True, slots=True)
class LeanCliEngine:
    """Runs ``lean backtest``. Paths may be relative to ``root``, the folder of ``harness.toml``.

    ``command``: the ``lean`` program, by default ``LEAN_COMMAND``, ``.venv-lean`` or the one on PATH. ``workspace``:
    folder of ``lean.json``, by default the nearest above the algorithm. ``image`` (or ``LEAN_IMAGE``): must be there,
    it is never pulled within a run. ``options``: more words for the command line. ``docker``: lean's
    ``--extra-docker-config``. ``config``: more keys of Lean's configuration. ``allow_missing_data`` and
    ``accept_abort``: see :class:`harness.engines.lean_outcome.Allowances`. ``output_limit_mib``: a run that prints
    more is ended, because Docker keeps whatever a container prints on its disk, without a limit of its own.
    """

    command: str = ""
    workspace: str = ""
    image: str = ""
    options: tuple[str, ...] = ()
    docker: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    allow_missing_data: bool = False
    accept_abort: bool = False
    output_limit_mib: int = 256
    niceness: int = 0
    root: Path = Path()
    name: str = "lean"

    def describe(self) -> Mapping[str, str]:
        """Name, version of the ``lean`` command, image and the digest of what is in it."""
        command = self.lean_command()
        return {
            "name": self.name,
            "version": "" if command is None else f"lean-cli {lean_version(command)}",
            "image": self.engine_image,
            "digest": image_digest(self.engine_image),
        }

    @property
    def engine_image(self) -> str:
        """The image that runs."""
        return os.environ.get(IMAGE_VARIABLE) or self.image or DEFAULT_IMAGE

    def lean_command(self) -> str | None:
        """The ``lean`` program; None when there is none."""
        given = self.command or os.environ.get(COMMAND_VARIABLE, "")
        if given:
            return shutil.which(str(self.root / Path(given).expanduser()) if "/" in given else given)
        own = self.root / OWN_ENVIRONMENT / "bin" / "lean"
        return str(own.absolute()) if own.is_file() else shutil.which("lean")

    def check(self, request: BacktestRequest) -> list[str]:
        return [
            *self.problems(),
            *self._workspace_problems(request),
            *check_request(request),
            *lean_class_problems(request),
        ]

    def problems(self) -> Iterator[str]:
        """What is lacking on this machine, each one line with its remedy."""
        command = self.lean_command()
        if command is None:
            yield "engine lean: no `lean` command found; `make lean` installs it, or set command in [engines.lean]"
        elif problem := lean_problem(command):
            yield f"{command}: {problem}"
        try:
            with docker_client() as client:
                yield from _image_problems(client, self.engine_image)
        except EngineError as error:
            yield str(error)

    def run(self, request: BacktestRequest, on_progress: Callable[[float, str], None] | None = None) -> BacktestRun:
        command, lean_json = self.lean_command(), self._lean_json(request)
        if command is None or lean_json is None:
            raise EngineError(next(iter(self.check(request))))
        refuse_stale(request)
        run_json, algorithm = prepare_run(request, lean_json, self.config)
        name = new_name()
        temporary = request.run_folder / TEMPORARY_NAME  # lean leaves its own where it is killed
        temporary.mkdir()
        load_before = load_1min()
        child = ChildCommand(
            command=self.command_line(command, request, run_json, algorithm, name),
            folder=request.run_folder,
            stdout=request.run_folder / "stdout.log",
            stderr=request.run_folder / "stderr.log",
            environment={**os.environ, "COLUMNS": COLUMNS, "TMPDIR": str(temporary), **request.environment},
            time_limit_s=request.time_limit_s,
            niceness=self.niceness,
            output_end_bytes=self.output_limit_mib * 2**20,
            stop_signal=STOP_SIGNAL,
            grace_s=STOP_GRACE_S,
        )
        on_tick = None if on_progress is None else lambda elapsed: on_progress(0.0, f"{elapsed:.0f} s")
        left = ""
        try:
            with docker_client() as client:
                take_down_leftovers(client)
                with ContainerWatch(client, name) as watch:
                    try:
                        cost = run_child(child, on_tick)
                        watch.wait_for_end(0.0 if cost.timed_out else LAST_EVENT_S)
                    finally:
                        left = remove_container(client, name)
                    if not left and not watch.use.ended_at:
                        watch.wait_for_end()
        finally:
            forget(name)
            shutil.rmtree(temporary, ignore_errors=True)
        if left:
            left = f"{left}; the next command that reaches it removes the container {name} if it is still there"
        return self._finished(request, cost, watch.use, load_before, left)

    def recover(self) -> list[Leftover]:
        """Takes down the containers of harness processes that were killed. Raises ``EngineError`` without Docker."""
        with docker_client() as client:
            return take_down_leftovers(client)

    def command_line(
        self, command: str, request: BacktestRequest, run_json: Path, algorithm: Path, container: str
    ) -> tuple[str, ...]:
        """The whole ``lean backtest`` command of one run."""
        words = [command, "backtest", str(algorithm), "--no-update", "--lean-config", str(run_json)]
        words += ["--output", str(request.results_folder), "--image", self.engine_image]
        words += ["--backtest-name", request.backtest_name or request.result_id]
        words += ["--extra-config", "algorithm-id", ALGORITHM_ID]
        words += ["--extra-config", "algorithm-type-name", request.algorithm_class]
        extra = {**self.docker, "name": container}
        words += ["--extra-docker-config", json.dumps(extra)]
        for key, value in request.parameters.items():
            words += ["--parameter", key, value]
        return (*words, *self.options)

    def _lean_json(self, request: BacktestRequest) -> Path | None:
        if self.workspace:
            place = (self.root / Path(self.workspace).expanduser()).resolve()
            return place / "lean.json" if place.is_dir() else place
        return find_workspace(request.algorithm_file.parent)

    def _workspace_problems(self, request: BacktestRequest) -> Iterator[str]:
        lean_json = self._lean_json(request)
        if lean_json is None:
            yield (
                f"{request.algorithm_file.parent}: no lean.json in it or above it; make one with `harness init`, or "
                "set workspace in [engines.lean]"
            )
            return
        yield from workspace_problems(lean_json)
        # The run's own workspace is the run folder: its results are below it by construction, the rest is checked.
        if problem := output_problem(request.run_folder / "lean.json", request.results_folder):
            yield problem
        if request.cpu_affinity:
            yield "engine lean: lean-cli cannot pin a container to CPUs; leave --cpus and cpu_affinity out"
        for path in (request.run_folder, request.data_folder):
            if ":" in str(path):
                yield f"{path}: Docker cannot mount a path with ':' in it; choose another folder"

    def _finished(
        self, request: BacktestRequest, cost: ChildResult, use: ContainerUse, load_before: float, left: str
    ) -> BacktestRun:
        request = replace(request, algorithm_id=ALGORITHM_ID)
        log = read_log(request.results_folder / LOG_NAME)
        ending = Ending(Outcome.ENGINE_CRASH, left) if left else self._ending(request, cost, use, log)
        notes = list(ending.notes) + list(child_notes(cost))
        if use.out_of_memory:
            notes.append("the container ran out of memory")
        if use.started_at and not use.samples:
            notes.append("the container ended before it could be measured; its CPU and memory are not known")
        told = {"lean": log.version, "mode": log.mode.lower()} if log.version else {}
        return BacktestRun(
            request=request,
            outcome=ending.outcome,
            measurement=Measurement(
                wall_s=cost.wall_s,
                user_s=use.user_s,
                system_s=use.system_s,
                peak_rss_bytes=use.peak_memory_bytes,
                exit_code=cost.exit_code if use.exit_code is None else use.exit_code,
                started_at_utc=cost.started_at_utc,
                phases_s=container_phases(log, cost, use),
                client_cpu_s=cost.cpu_s,
                load_before=load_before,
                engine_timers_s=log.timers.seconds if log.timers else {},
            ),
            detail=ending.detail,
            notes=tuple(notes),
            engine={**self.describe(), **told},
            data_points=log.completion.data_points if log.completion else 0,
        )

    def _ending(self, request: BacktestRequest, cost: ChildResult, use: ContainerUse, log: LeanLog) -> Ending:
        if cost.output_ended:
            return Ending(
                Outcome.ENGINE_CRASH,
                f"printed more than {self.output_limit_mib} MiB and was ended; print less, or raise output_limit_mib "
                "in [engines.lean]",
            )
        if not use.started_at and not cost.timed_out:
            said = last_words(request.run_folder) or f"exit code {cost.exit_code}"
            return Ending(Outcome.ENGINE_CRASH, f"lean started no container: {said}")
        exit_code = cost.exit_code if use.exit_code is None else use.exit_code
        allowed = Allowances(self.allow_missing_data, self.accept_abort)
        ending = judge(request, exit_code, cost.timed_out, log, allowed)
        if ending.outcome is Outcome.COMPLETED and exit_code == 0 and cost.exit_code != 0:
            said = last_words(request.run_folder)
            return Ending(Outcome.INCONSISTENT, f"the container completed, but lean exited {cost.exit_code}: {said}")
        return ending


def container_phases(log: LeanLog, cost: ChildResult, use: ContainerUse) -> dict[str, float]:
    """Wall seconds: the client's start, the container's start, the engine's phases within it, the client's end.

    They sum to the wall time of the client's process.
    """
    started = epoch(cost.started_at_utc)
    end = started + cost.wall_s
    if not use.created_at:
        return {"client_start": cost.wall_s}
    created = min(max(use.created_at, started), end)
    running = min(max(use.started_at or end, created), end)
    ended = min(max(use.ended_at or end, running), end)
    phases = {"client_start": created - started, "container_start": running - created}
    if use.started_at:
        phases |= split_phases(log, running, ended - running) or {"engine_start": ended - running}
    phases["client_end"] = end - ended
    return phases


@contextlib.contextmanager
def docker_client(timeout_s: float = 60) -> Iterator[Any]:
    """A connection to the Docker engine that ``lean`` uses too (``DOCKER_HOST``). Raises ``EngineError``."""
    try:
        client = docker.from_env(timeout=timeout_s)
    except docker.errors.DockerException as error:
        raise EngineError(_docker_text(error)) from error
    try:
        yield client
    except RequestException as error:  # it answered first and then no more
        raise EngineError(_docker_text(error)) from error
    finally:
        client.close()


def _docker_text(error: BaseException) -> str:
    host = os.environ.get("DOCKER_HOST", "the default socket")
    text = str(error)
    if "Permission denied" in text:
        return f"Docker: no permission for {host}; add yourself to the group docker and log in again"
    return f"Docker: no engine answers at {host}; start it (`systemctl start docker`) or set DOCKER_HOST"


def _image_problems(client: Any, image: str) -> Iterator[str]:
    if image.count(":") != 1 or not all(image.split(":")):
        yield (
            f"image {image!r}: lean-cli understands NAME:TAG only, without a registry's port; tag it with `docker tag`"
        )
        return
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        yield f"image {image}: not on this machine, and it is never pulled within a run; `docker pull {image}`"
    except docker.errors.DockerException as error:
        yield f"image {image}: {error}"


def image_digest(image: str) -> str:
    """The repository's digest of an image, else its id; empty when it cannot be asked for."""
    try:
        with docker_client() as client:
            found = client.images.get(image)
    except (EngineError, docker.errors.DockerException):
        return ""
    digests = found.attrs.get("RepoDigests") or [found.id]
    return str(digests[0]).rpartition("@")[2]


@lru_cache(maxsize=4)
def lean_version(command: str) -> str:
    """The version of an installed ``lean`` command, from its package's metadata; empty when it cannot be told."""
    code = "import importlib.metadata as m; print(m.version('lean'))"
    return _ask_python(command, code)


@lru_cache(maxsize=4)
def lean_package(command: str) -> Path | None:
    """The folder of the installed package ``lean``."""
    code = "import importlib.util as u; print(u.find_spec('lean').submodule_search_locations[0])"
    found = _ask_python(command, code)
    return Path(found) if found else None


def lean_problem(command: str) -> str:
    """Why an installed ``lean`` command would fail at once; empty when it would not. See ``harness.workspace``."""
    package = lean_package(command)
    if package is not None and not list(package.glob("modules-*.json")):
        return "has no module list yet, which it downloads when it starts; run `lean --version` once with the network"
    return ""


def _ask_python(command: str, code: str) -> str:
    """Runs ``code`` in the interpreter that the command's first line names."""
    try:
        with Path(command).open("rb") as file:
            first = file.readline().decode("utf-8", "replace")
        python = first[2:].strip() if first.startswith("#!") else ""
        done = subprocess.run([*python.split(), "-c", code], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

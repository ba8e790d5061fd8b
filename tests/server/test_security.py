"""What the service refuses."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from harness.client import HarnessClient, RunStatus, ServiceError
from harness.config import load_settings
from harness.errors import InputError
from harness.server.guard import RateLimiter
from harness.server.settings import Limits, ServerSettings, is_loopback
from tests.server.conftest import Server

Make = Callable[..., Server]
TOKEN = "correct-horse-battery-staple"
START = {"scenario": "quick", "variant": "baseline"}


def raw(server: Server, request: str) -> str:
    """The answer to a request sent as it is; clients tidy paths up."""
    with socket.create_connection(("127.0.0.1", server.port), 10) as stream:
        stream.sendall(request.replace("\n", "\r\n").encode())
        parts = []
        while part := stream.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


@pytest.mark.parametrize(
    "path",
    [
        "/api/lab/run/../../etc/full_results",
        "/api/lab/run/%2e%2e/full_results",
        "/api/lab/run/..%2f..%2fetc/full_results",
        "/api/lab/run/.server/full_results",
        "/api/lab/run/{run}/full_results?trial=../../..",
        "/api/lab/run/{run}/full_results?trial=trial_1/../../..",
        "/api/lab/run/{run}/full_results?trial=%2fetc",
        "/api/lab/run/{run}/candles?symbol=../../x",
        "/api/lab/run/{run}/candles?symbol=A..",
        "/api/sessions/%2e%2e",
        "/api/sweeps/%2e%2e",
        "/api/parity?left=../../etc&right={run}",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
    ],
)
def test_traversal_finds_nothing(server: Server, finished: RunStatus, path: str) -> None:
    answer = raw(server, f"GET {path.format(run=finished.run_id)} HTTP/1.1\nHost: localhost\nConnection: close\n\n")
    assert answer.split()[1] in ("404", "422"), answer
    assert "root:" not in answer and "import" not in answer.split("\r\n\r\n", 1)[1]


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../outside.py", "/tmp/x.py", "link.py", "algorithm", "a\x00.py", "harness.toml"]
)
def test_algorithms_outside_the_workspace_are_refused(
    client: HarnessClient, project: Path, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("class Evil(QCAlgorithm): pass\n")
    (project.parent / "outside.py").write_text(outside.read_text())
    link = project / "link.py"
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    with pytest.raises(ServiceError) as refused:
        client.start_backtest("quick", algorithm=name)
    assert refused.value.status == 422
    link.unlink()


def test_runs_that_are_links_out_of_the_folder_are_not_found(server: Server, project: Path, tmp_path: Path) -> None:
    (tmp_path / "trial_1" / "lean").mkdir(parents=True)
    link = project / "runs" / "linked"
    link.symlink_to(tmp_path)
    try:
        assert httpx.get(f"{server.address}/api/lab/run/linked/full_results").status_code == 404
    finally:
        link.unlink()


def test_large_bodies_are_refused_whatever_they_declare(server: Server) -> None:
    address = f"{server.address}/api/lab/run/backtest"
    large = json.dumps({"scenario": "quick", "parameters": {"x": "y" * 400_000}})
    headers = {"Content-Type": "application/json"}
    assert httpx.post(address, content=large, headers=headers).status_code == 413

    def chunks() -> object:
        yield from (b"x" * 65536 for _ in range(8))

    assert httpx.post(address, content=chunks(), headers=headers).status_code == 413  # type: ignore[arg-type]
    said = "POST /api/bench HTTP/1.1\nHost: localhost\nContent-Type: application/json\nContent-Length: 99999999\n\n"
    assert raw(server, said).split()[1] == "413"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"scenario": "nothing"}', 422),
        (b'{"scenario": "quick", "unknown": 1}', 422),
        (b'{"scenario": "quick", "engine": "docker; rm"}', 422),
        (b'{"scenario": "quick", "parameters": {"a:b": "1"}}', 422),
        (b'{"scenario": "quick", "parameters": {"a": "1,b:2"}}', 422),
        (b'{"scenario": "quick", "time_limit_s": 1e999}', 422),
        (b'{"scenario": "quick", "class_name": "os.system"}', 422),
        (b"[" * 100_000, 400),
    ],
)
def test_malformed_bodies_give_problem_documents(server: Server, body: bytes, status: int) -> None:
    answer = httpx.post(
        f"{server.address}/api/lab/run/backtest", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["detail"] and problem["type"].startswith("urn:harness:problem:")
    assert "Traceback" not in answer.text


def test_errors_of_the_framework_are_problem_documents_too(server: Server) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("PUT", "/api/bench", 405),
        ("GET", "/api/lab/run/x/status", 404),
    ):
        answer = httpx.request(method, server.address + path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_pages_of_other_origins_can_neither_start_nor_watch(server: Server, finished: RunStatus) -> None:
    address = f"{server.address}/api/lab/run/backtest"
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert httpx.post(address, json=START, headers=headers).status_code == 403
    form = httpx.post(address, content=json.dumps(START), headers={"Content-Type": "text/plain"})
    assert form.status_code == 415
    asked = httpx.options(address, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
    assert "access-control-allow-origin" not in asked.headers and asked.status_code == 405
    read = httpx.get(f"{server.address}/api/lab/runs", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in read.headers
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{server.port}/ws/run/{finished.run_id}", origin=Origin("https://evil.example"))


def test_other_names_for_this_machine_are_refused(server: Server) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "[", ""):
        answer = raw(server, f"GET /api/lab/runs HTTP/1.1\nHost: {host}\nConnection: close\n\n")
        assert answer.split()[1] in ("421", "400"), (host, answer)


def test_nothing_without_the_token(make_server: Make) -> None:
    server = make_server(TOKEN)
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKEN},
        {"Cookie": f"harness_session={TOKEN}"},
    ):
        for path in ("/api/lab/runs", "/api/project", "/openapi.json", "/api/lab/run/x/full_results"):
            answer = httpx.get(server.address + path, headers=headers)
            assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{server.port}/ws/run/x")
    with server.client() as client:
        assert client.runs().total == 0
    page = httpx.Client(base_url=server.address)
    assert page.get("/").status_code == 200  # asks for the token
    assert page.post("/api/session", json={"token": "wrong"}).status_code == 401
    signed_in = page.post("/api/session", json={"token": TOKEN})
    cookie = signed_in.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and TOKEN not in cookie
    assert page.get("/api/lab/runs").status_code == 200
    server.stop()
    assert TOKEN not in (server.folder / "server.log").read_text()


def test_too_many_requests_are_slowed_down(make_server: Make) -> None:
    server = make_server("", "--rate", "1")
    answers = [httpx.get(f"{server.address}/api/health") for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused and int(refused[0].headers["retry-after"]) >= 1


def test_the_rate_limiter_counts_by_client_and_refills() -> None:
    now = [0.0]
    limiter = RateLimiter(lambda: now[0])
    assert [limiter.wait_s("a", "any", 2.0) > 0 for _ in range(6)] == [False] * 4 + [True] * 2
    assert limiter.wait_s("b", "any", 2.0) == 0
    now[0] = 0.5
    assert limiter.wait_s("a", "any", 2.0) == 0 and limiter.wait_s("a", "any", 2.0) > 0


def test_other_addresses_need_a_token(project: Path) -> None:
    settings = load_settings(project / "harness.toml")
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        assert not is_loopback(host)
        with pytest.raises(InputError, match="HARNESS_TOKEN"):
            ServerSettings(settings, host)
        with pytest.raises(InputError, match="shorter"):
            ServerSettings(settings, host, token="short")
        ServerSettings(settings, host, token=TOKEN)
    assert all(is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.0.0.2"))
    assert Limits().workers == 1


def test_answers_carry_the_page_policy(server: Server) -> None:
    headers = httpx.get(server.address).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_schema_holds_under_generated_requests(server: Server) -> None:
    """Generated requests, malformed bodies among them: no answer is a server error, all as the schema says."""
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings

    schema = schemathesis.openapi.from_url(f"{server.address}/openapi.json")
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.method == "post" and "resume" not in operation.path:
            strategies = [operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)]
        else:
            strategies = [operation.as_strategy()]
        for strategy in strategies:

            @given(case=strategy)
            @settings(
                max_examples=12, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            def check(case: object) -> None:
                nonlocal tried
                tried += 1
                answer = case.call(timeout=20)  # type: ignore[attr-defined]
                assert answer.status_code < 500 or answer.status_code == 503, (case, answer.status_code, answer.text)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"][0].startswith("application/problem+json")

            check()
    assert tried > 100

"""The page in a real browser: headless Chromium, driven by WebDriver."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.client import HarnessClient, RunStatus
from tests.server.conftest import Server
from tests.server.large_run import write_large_run

webdriver = pytest.importorskip("selenium.webdriver")

pytestmark = pytest.mark.browser

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
Open = Callable[..., Any]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Open]:
    """``browser(width, dark)`` opens one; ended with the test."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver_program = shutil.which("chromedriver")
    if program is None or driver_program is None:
        pytest.skip("Chromium and its driver are not installed")
    started: list[Any] = []

    def start(width: int = 1200, height: int = 900) -> Any:
        options = webdriver.ChromeOptions()
        for flag in (*FLAGS, f"--user-data-dir={tmp_path / str(len(started))}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        options.binary_location = program
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_program))
        driver.set_script_timeout(60)
        started.append(driver)
        return driver

    yield start
    for driver in started:
        driver.quit()


def until(driver: Any, script: str, timeout_s: float = 40) -> Any:
    """The first true value of a script."""
    deadline = time.monotonic() + timeout_s
    while not (value := driver.execute_script(f"return {script}")):
        assert time.monotonic() < deadline, (script, driver.execute_script("return document.body.innerText")[:2000])
        time.sleep(0.1)
    return value


def assert_clean(driver: Any) -> None:
    """No script error, and nothing was asked of any other machine."""
    severe = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []
    asked = driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all("//127.0.0.1:" in address for address in asked), asked


def test_start_watch_and_read_a_run_with_the_keyboard(server: Server, browser: Open) -> None:
    from selenium.webdriver.common.keys import Keys

    driver = browser()
    driver.get(f"{server.address}/#/runs")
    until(driver, "document.querySelector('#start button')")
    driver.find_element("css selector", "#start button[type=submit]").send_keys(Keys.ENTER)
    until(driver, "location.hash.startsWith('#/run/')")
    until(driver, "document.querySelector('#results canvas') && window.harness.charts.candles?.layers.length == 2")
    assert "completed" in driver.find_element("id", "state").text
    shown = driver.execute_script("return document.getElementById('main').innerText")
    for part in ("Equity", "Drawdown", "Candles and fills", "Trades (", "Stages", "Statistics", "metrics"):
        assert part in shown
    canvas = driver.find_element("css selector", ".chart.tall canvas")
    before = driver.execute_script(
        "return window.harness.charts.candles.view[1] - window.harness.charts.candles.view[0]"
    )
    canvas.send_keys("+")
    after = driver.execute_script(
        "return window.harness.charts.candles.view[1] - window.harness.charts.candles.view[0]"
    )
    assert after < before
    assert "O " in driver.execute_script("return document.querySelector('.chart.tall .readout').textContent")
    assert_clean(driver)


def test_every_fill_is_on_the_chart(server: Server, client: HarnessClient, finished: RunStatus, browser: Open) -> None:
    driver = browser()
    driver.get(f"{server.address}/#/run/{finished.run_id}/trial_2")
    until(driver, "window.harness.charts.candles?.layers.length == 2")
    full = client.full_results(finished.run_id, "trial_2")
    for symbol in full["summary"]["symbols"]:
        script = (
            "const s = [...document.querySelectorAll('select')].at(-1); s.value = arguments[0];"
            "s.dispatchEvent(new Event('change'));"
            "const l = window.harness.charts.candles.layers.find(l => l.kind == 'markers');"
            "return [Array.from(l.time), Array.from(l.y)]"
        )
        times, prices = driver.execute_script(script, symbol)
        wanted = [index for index, name in enumerate(full["fills"]["symbol"]) if name == symbol]
        assert times == [full["fills"]["time"][index] for index in wanted]
        assert prices == [full["fills"]["price"][index] for index in wanted]
    assert_clean(driver)


def test_phone_and_dark_mode(server: Server, finished: RunStatus, browser: Open) -> None:
    driver = browser()
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    )
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    for view in (f"#/run/{finished.run_id}", "#/runs", "#/sessions", "#/parity"):
        driver.get(f"{server.address}/{view}")
        until(driver, "document.querySelector('#main h2')")
    driver.get(f"{server.address}/#/run/{finished.run_id}")
    until(driver, "window.harness.charts.candles?.layers.length == 2")
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
    assert driver.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert_clean(driver)


def test_a_session_and_its_parity(server: Server, client: HarnessClient, browser: Open) -> None:
    run = client.start_bench("quick", pairs=1)
    done = client.wait(run.run_id, 120)
    assert done.state == "completed", done.detail
    driver = browser()
    driver.get(server.address)  # no view named: the latest session
    until(driver, "document.getElementById('verdict')")
    assert run.run_id in driver.execute_script("return location.hash")
    driver.execute_script(
        "[...document.querySelectorAll('a')].find(a => a.textContent.startsWith('Parity diff')).click()"
    )
    until(driver, "document.getElementById('parity')?.innerText.startsWith('identical')")
    driver.get(f"{server.address}/#/sessions")
    until(driver, "document.querySelector('#main table')")
    assert_clean(driver)


def test_the_token_is_asked_for(make_server: Callable[..., Server], browser: Open) -> None:
    token = "correct-horse-battery-staple"
    running = make_server(token)
    driver = browser()
    driver.get(f"{running.address}/#/runs")
    until(driver, "document.getElementById('sign-in').open")
    driver.find_element("id", "token").send_keys(token + "\n")
    until(driver, "document.querySelector('#start button')")


def test_seventeen_thousand_markers_are_all_there_while_panning(server: Server, project: Path, browser: Open) -> None:
    write_large_run(project / "runs" / "large", trades=8_500, equity_points=20_000)
    driver = browser()
    driver.get(f"{server.address}/#/run/large")
    until(driver, "window.harness.charts.candles?.layers.length >= 1")
    count = "window.harness.charts.candles.layers.find(l => l.kind == 'markers').time.length"
    assert driver.execute_script(f"return {count}") == 17_000
    found = driver.execute_async_script(
        "const done = arguments[0];window.harness.measurePan(window.harness.charts.candles, 40).then(done)"
    )
    # How long a frame takes is told by benchmarks/bench_server.py.
    assert len(found["paints"]) == 40 and all(paint > 0 for paint in found["paints"])

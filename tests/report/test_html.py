"""The HTML page in a real browser without a network, the picture, and the schema of the JSON."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DamagedError, InputError
from harness.report.charts import all_charts
from harness.report.curves import Curves, EquityCurve, EventRow
from harness.report.html import render_html, script_json
from harness.report.model import SCHEMA, VERSION, Report, report_to_dict
from harness.report.png import render_png
from harness.report.schema import report_from_dict, report_schema
from tests.bench.conftest import make_setup  # noqa: F401 (the fixture)
from tests.report.test_report import FAST, report_of  # noqa: F401 (the fixture)

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
CURVES = Curves({"base": EquityCurve(("2025-10-01", "2025-10-02"), (1.0, 2.0))})
CHARTS = ["ratios", "stages", "order", "memory", "phases", "equity"]


@pytest.fixture
def report(report_of: Any) -> Report:  # noqa: F811
    made: Report = report_of(FAST)
    return made


def test_every_chart_is_on_the_page_and_holds_the_figures(report: Report) -> None:
    charts = all_charts(report, CURVES)
    assert list(charts) == CHARTS
    assert charts["ratios"]["data"][0]["x"] == [0.5] * 6
    interval = charts["ratios"]["data"][1]
    assert interval["x"] == [item.paired_ratio for item in report.quantities]
    assert charts["stages"]["data"][1]["y"] == [stage.candidate_s for stage in report.stages]
    assert len(charts["order"]["data"][2]["y"]) == len(report.runs)
    page = render_html(report, CURVES)
    assert all(f'id="chart-{name}"' in page for name in CHARTS)


def test_names_cannot_break_out_of_the_page(report: Report) -> None:
    evil = "</script><script>document.title='taken'</script>"
    page = render_html(replace(report, candidate=evil, warnings=(evil,)), CURVES)
    assert "<script>document.title" not in page
    assert script_json(evil).count("<") == 0


def test_a_difference_shows_the_order_events_and_no_speed(report: Report) -> None:
    different = replace(report, verdict="DIFFERENT", quantities=(), stages=(), pair_ratios=())
    curves = Curves(events=(EventRow("left", 3, "price 660.25"), EventRow("right", 3, "price 660.26")))
    page = render_html(different, curves)
    assert "price 660.25" in page
    assert "price 660.26" in page
    assert "chart-ratios" not in page


def test_the_picture_is_a_png_and_the_same_for_the_same_report(report: Report) -> None:
    picture = render_png(report)
    assert picture.startswith(b"\x89PNG")
    assert picture == render_png(report)
    assert render_png(replace(report, quantities=(), stages=(), runs=())).startswith(b"\x89PNG")


def test_the_published_schema_is_the_one_in_force() -> None:
    assert json.loads((SCHEMAS / f"report-v{VERSION}.json").read_text()) == report_schema()


def test_a_report_comes_back_from_its_json_and_from_the_older_version(report: Report) -> None:
    document = json.loads(json.dumps(report_to_dict(report)))
    assert report_from_dict(document, "x") == report
    by_wall = [{name: value for name, value in stage.items() if "cpu" not in name} for stage in document["stages"]]
    second = report_from_dict({**document, "stages": by_wall, "version": 2}, "x")
    assert second.stages[0].ratio == report.stages[0].ratio
    assert second.stages[0].cpu_ratio is None
    old = {key: value for key, value in document.items() if key not in ("slower_stages", "instrumentation")}
    assert report_from_dict({**old, "stages": by_wall, "version": 1}, "x") == replace(second, slower_stages=())


def test_documents_that_are_no_report_are_refused_in_one_line(report: Report) -> None:
    document = report_to_dict(report)
    with pytest.raises(InputError, match="reads up to"):
        report_from_dict({**document, "version": VERSION + 1}, "r.json")
    with pytest.raises(InputError, match=f"not '{SCHEMA}'"):
        report_from_dict({**document, "schema": "other"}, "r.json")
    with pytest.raises(DamagedError, match=r"r\.json: pairs"):
        report_from_dict({**document, "pairs": "many"}, "r.json")


@pytest.mark.browser
def test_a_browser_without_a_network_reads_the_verdict_and_draws_every_chart(report: Report, tmp_path: Path) -> None:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    waiting = pytest.importorskip("selenium.webdriver.support.wait")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no chromium and chromedriver on this machine")
    page = tmp_path / "report.html"
    page.write_text(render_html(report, CURVES), "utf-8")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,2400"),
        f"--user-data-dir={tmp_path / 'profile'}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        opened.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        opened.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        opened.get(page.as_uri())
        wait = waiting.WebDriverWait(opened, 30)
        wait.until(lambda it: len(it.find_elements("css selector", '.chart[data-drawn="yes"]')) == len(CHARTS))
        assert opened.find_element("id", "verdict").text == "PASS"
        for name in CHARTS:
            marks = opened.find_elements("css selector", f"#chart-{name} .cartesianlayer .trace path")
            assert marks, f"chart {name} shows nothing"
            assert opened.find_element("id", f"chart-{name}").size["height"] > 100
        loaded = opened.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert [name for name in loaded if not name.startswith(("data:", "blob:"))] == []
        assert [line for line in opened.get_log("browser") if line["level"] == "SEVERE"] == []
    finally:
        opened.quit()

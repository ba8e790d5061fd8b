"""What a run that fails leaves, by Lean's ``Engine.cs``, ``Loader.cs``, ``AlgorithmPythonWrapper.cs`` and
``PythonUtil.cs``; frames are those that pythonnet's ``PythonException.TracebackToString`` gives."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.embedded.data import absent
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol
from harness.marketdata.spec import synth_spec
from harness.marketdata.synth import synthesize

_INITIALIZATION = "During the algorithm initialization, the following exception has occurred: "


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    synthesize(folder, synth_spec(["AAPL"], dt.date(2025, 10, 6), dt.date(2025, 10, 7), history_days=45))
    return folder


@dataclass(frozen=True)
class Ending:
    """What a run left: exit code, result document, log and standard error."""

    exit_code: int
    result: dict[str, Any]
    log: str
    errors: str

    @property
    def state(self) -> dict[str, str]:
        state: dict[str, str] = self.result["state"]
        return state


def run_source(data_folder: Path, folder: Path, source: str, name: str = "Main", *options: str) -> Ending:
    path = folder / "main.py"
    path.write_text("from AlgorithmImports import *\n" + textwrap.dedent(source), "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "harness.embedded", "--data-folder", str(data_folder)),
            *("--algorithm-location", str(path), "--algorithm-type-name", name, "--algorithm-id", "Main"),
            *("--results-destination-folder", str(folder / "out"), *options),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    out = folder / "out"
    return Ending(
        done.returncode,
        json.loads((out / "Main.json").read_text("utf-8")),
        (out / "Main-log.txt").read_text("utf-8"),
        done.stderr,
    )


_SET_UP = """
class Main(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 6)
        self.set_end_date(2025, 10, 6)
        self.add_equity("AAPL", Resolution.MINUTE)
"""


def test_frames_come_innermost_first_with_pythons_markers(data_folder: Path, tmp_path: Path) -> None:
    run = run_source(
        data_folder,
        tmp_path,
        _SET_UP
        + """
        self.schedule.on(self.date_rules.every_day(), self.time_rules.at(10, 0), self.outer)

    def outer(self):
        self.log(str(1 + inner(0)))

def inner(value):
    return 1 / value + 1
""",
    )
    frames = (
        "division by zero\n  at inner\n    return 1 / value + 1\n           ~~^~~~~~~\n in main.py: line 15\n"
        "  at outer\n    self.log(str(1 + inner(0)))\n                     ^^^^^^^^\n in main.py: line 12\n"
    )
    assert run.exit_code == 1
    assert run.state["RuntimeError"] == f"2025-10-06 10:00:00 Runtime Error: {frames}"
    assert run.state["StackTrace"] == frames
    assert f"2025-10-06 10:00:00 Runtime Error: {frames}\n" in run.log


def test_an_error_in_initialize_tells_its_causes(data_folder: Path, tmp_path: Path) -> None:
    run = run_source(
        data_folder,
        tmp_path,
        """
        class Main(QCAlgorithm):
            def initialize(self):
                self.error("said before")
                try:
                    int("x")
                except ValueError as error:
                    raise TypeError("outer") from error
        """,
    )
    header = (
        'outer\n  at initialize\n    raise TypeError("outer") from error\n in main.py: line 9\n outer '
        "invalid literal for int() with base 10: 'x'"
    )
    said = "1998-01-01 00:00:00 said before"
    assert run.state["RuntimeError"] == f"1998-01-01 00:00:00 {said}{_INITIALIZATION}{header}"
    assert run.state["StackTrace"] == header
    assert run.log == ""


def test_the_engines_own_errors_are_told_twice_without_rewording(data_folder: Path, tmp_path: Path) -> None:
    run = run_source(
        data_folder,
        tmp_path,
        """
        class Main(QCAlgorithm):
            def initialize(self):
                self.set_start_date(2025, 2, 30)
        """,
    )
    message = "Date Invalid: Year, Month, and Day parameters describe an un-representable DateTime."
    assert run.state["StackTrace"] == (
        f"{message}\n  at initialize\n    self.set_start_date(2025, 2, 30)\n in main.py: line 5\n {message}"
    )


def test_an_error_outside_python_names_leans_file_and_line(data_folder: Path, tmp_path: Path) -> None:
    """``SystemExceptionInterpreter``; the line is where ``QCAlgorithm.PostInitialize`` throws."""
    run = run_source(
        data_folder,
        tmp_path,
        """
        class Main(QCAlgorithm):
            def initialize(self):
                self.set_start_date(2025, 10, 7)
                self.set_end_date(2025, 10, 6)
        """,
    )
    message = "Please select an algorithm end date greater than start date."
    assert run.state["RuntimeError"].endswith(f"{_INITIALIZATION}{message} in QCAlgorithm.cs:line 786 {message}")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x = = 3\n", "invalid syntax (main.py, line 2): x = = 3 invalid syntax (main.py, line 2): x = = 3"),
        (
            "import no_such_module\n",
            "No module named 'no_such_module'. If it is a Python package, ensure it is installed in the environment.\n"
            "  at <module>\n    import no_such_module\n in main.py: line 2\n No module named 'no_such_module'",
        ),
        (
            "class Main:\n    pass\n",
            "Please ensure that one class inherits from QCAlgorithm. in AlgorithmPythonWrapper.cs:line 178 "
            "Please ensure that one class inherits from QCAlgorithm.",
        ),
        (
            "class Other:\n    pass\nclass Main(QCAlgorithm, Other):\n    pass\n",
            "A Python class cannot inherit from multiple classes when one of them is a C# class, like QCAlgorithm. "
            "Keep the C# class as the only base and move the other bases' members into helper classes used via "
            "composition (e.g. self._helper = MyHelper()).\n  at <module>\n    class Main(QCAlgorithm, Other):\n"
            " in main.py: line 4\n cannot use multiple inheritance with managed classes",
        ),
        (
            "class Main(QCAlgorithm):\n    def __init__(self):\n        raise ValueError('early')\n",
            "early\n  at __init__\n    raise ValueError('early')\n in main.py: line 4\n early",
        ),
    ],
)
def test_a_module_that_cannot_be_loaded_leaves_empty_results(
    source: str, reason: str, data_folder: Path, tmp_path: Path
) -> None:
    run = run_source(data_folder, tmp_path, source)
    why = (
        f"{_INITIALIZATION}Loader.TryCreatePythonAlgorithm(): Unable to import python module {tmp_path / 'main.py'}. "
        f"AlgorithmPythonWrapper(): {reason}"
    )
    assert run.exit_code == 1
    assert run.state["RuntimeError"] == f"Algorithm.Initialize() Error: {why} Stack Trace: {why}"
    assert run.state["StackTrace"] == why
    assert (run.state["Status"], run.state["LogCount"]) == ("RuntimeError", "1")
    assert (run.result["charts"], run.result["statistics"], run.log) == ({}, {}, "")
    assert not (tmp_path / "out" / "Main-order-events.json").exists()


def test_leaving_the_process_is_an_error_of_the_run(data_folder: Path, tmp_path: Path) -> None:
    run = run_source(
        data_folder,
        tmp_path,
        "import sys\n"
        + _SET_UP
        + """
        self.schedule.on(self.date_rules.every_day(), self.time_rules.at(10, 0), lambda: sys.exit("enough"))
""",
    )
    assert run.exit_code == 1
    assert run.state["RuntimeError"].startswith("2025-10-06 10:00:00 Runtime Error: enough\n  at <lambda>\n")


def test_of_several_classes_the_last_by_name_runs(data_folder: Path, tmp_path: Path) -> None:
    """``AlgorithmPythonWrapper`` makes every algorithm class of the module, by name, and keeps the last."""
    source = """
        class B(QCAlgorithm):
            made = []
            def __init__(self):
                B.made.append("B")
            def initialize(self):
                self.set_start_date(2025, 10, 6)
                self.set_end_date(2025, 10, 6)
                self.log(f"{type(self).__name__} {B.made}")

        class A(B):
            def __init__(self):
                B.made.append("A")
    """
    run = run_source(data_folder, tmp_path, source, "A")
    assert run.exit_code == 0
    assert "2025-10-06 00:00:00 B ['A', 'B']" in run.log
    assert "this runs B, the last class by name, not A" in run.errors
    assert "B ['A', 'B']" in run_source(data_folder, tmp_path, source, "NoSuchClass").log


def test_what_is_set_after_the_constructor(data_folder: Path, tmp_path: Path) -> None:
    """``BacktestingSetupHandler.Setup`` gives name and parameters, ``Engine.Run`` the identifier after initialize."""
    run = run_source(
        data_folder,
        tmp_path,
        """
        class Main(QCAlgorithm):
            def __init__(self):
                self.before = f"{self.name} {self.get_parameter('a', 'none')} {self.algorithm_id!r}"
            def initialize(self):
                self.set_start_date(2025, 10, 6)
                self.set_end_date(2025, 10, 6)
                self.log(self.before)
                self.log(f"{self.name} {self.get_parameter('a', 7)} {self.algorithm_id!r}")
                self.log(f"{self.settings.trading_days_per_year}")
                self.name = "x" * 300
                for number in range(102):
                    self.add_tag(f"t{number}")
                self.add_tag(" ")
            def on_end_of_algorithm(self):
                self.log(f"{self.algorithm_id} {len(self.name)} {len(self.tags)} {self.settings.trading_days_per_year}")
                try:
                    self.name = "late"
                except Exception as error:
                    self.log(str(error))
        """,
        "Main",
        *("--parameters", "a:5 ", "--backtest-name", "given"),
    )
    lines = [line.removeprefix("2025-10-06 00:00:00 ") for line in run.log.splitlines()]
    said = lines[1:] if lines[0].startswith("Launching") else lines
    assert said[:4] == [
        "QCAlgorithm none ''",
        "given 5 ''",
        "None",
        "Warning: AddTag(t100): Unable to add tag. Tags are limited to a maximum of 100.",
    ]
    assert "Main 200 100 252" in run.log
    assert "Cannot set algorithm name after it is initialized." in run.log
    assert run.state["Name"] == "x" * 200


def test_what_is_not_there_is_told_in_leans_words(data_folder: Path, tmp_path: Path) -> None:
    """``SecurityManager``, ``SymbolCache``, ``SecurityIdentifier``, and pythonnet's hints (``ClassBase``)."""
    run = run_source(
        data_folder,
        tmp_path,
        """
        class Main(QCAlgorithm):
            def initialize(self):
                self.set_start_date(2025, 10, 6)
                self.set_end_date(2025, 10, 6)
                self.tell(lambda: self.symbol("NOPE"))
                self.tell(lambda: self.securities["nope"])
                self.tell(lambda: self.add_equity("A|B"))
                self.tell(lambda: self.stok)
                self.tell(lambda: self.plot("Exposure", "x", 1))
            def tell(self, asked):
                try:
                    asked()
                except Exception as error:
                    self.log(f"told {error}")
        """,
    )
    told = [line.partition(" told ")[2] for line in run.log.splitlines() if " told " in line]
    assert told == [
        "We were unable to locate the ticker 'NOPE'.",
        "The ticker nope was not found in the SymbolCache. Use the Symbol object as key instead. Accessing the "
        "securities collection/slice object by string ticker is only available for securities added with the "
        "add_security-family methods. For more details, please check out the documentation.",
        "Symbol must not contain the characters '|' or ' '. (Parameter 'symbol')",
        # Jaro of "stok" and "sto" is (3/4 + 1 + 1) / 3; three common letters raise it to 0.94, nothing else has 0.87.
        "'Main' object has no attribute 'stok' Did you mean: 'sto'?",
        "'Exposure' is a reserved chart name.",
    ]


def test_a_constructor_has_no_data_manager_yet(data_folder: Path, tmp_path: Path) -> None:
    """``Engine.Run`` gives it after the instance is made."""
    run = run_source(
        data_folder,
        tmp_path,
        """
        class Main(QCAlgorithm):
            def __init__(self):
                self.add_equity("AAPL")
        """,
    )
    assert run.exit_code == 1
    assert (
        "AlgorithmPythonWrapper(): Object reference not set to an instance of an object." in run.state["RuntimeError"]
    )


def test_what_is_logged_of_objects(data_folder: Path, tmp_path: Path) -> None:
    """``Extensions.ToSafeString``: what has ``to_string``, as all objects of .NET have, comes on a line of its own."""
    run = run_source(
        data_folder,
        tmp_path,
        """
        class Main(QCAlgorithm):
            def initialize(self):
                self.set_start_date(2025, 10, 6)
                self.set_end_date(2025, 10, 6)
                stock = self.add_equity("AAPL", Resolution.MINUTE).symbol
                for one in (True, [1], None, stock, Resolution.DAILY, self.ema(stock, 3).current, "", "x"):
                    self.log(one)
        """,
    )
    said = run.log.partition("Launching")[2].partition("\n2025-10-06 16:00:00 ")[0].split("\n2025-10-06 00:00:00 ")[1:]
    assert said == ["1", "[1]", "None", "\nAAPL", "\nDaily", "0", "x"]


def test_data_that_is_not_there() -> None:
    """``Messages.ExtendedDictionary``: a symbol without data now, and a ticker that nobody added."""
    spy = Symbol(SecurityIdentifier.parse("SPY R735QTJ8XC9X"), "SPY")
    assert str(absent(spy, spy, "TradeBars")) == (
        "'SPY R735QTJ8XC9X' wasn't found in the TradeBars object, likely because there was no-data at this moment in "
        "time and it wasn't possible to fillforward historical data. To prevent the exception, use data.get(symbol), "
        "which returns None when the symbol is not found, or guard the access with 'if symbol in data:'."
    )
    assert str(absent("nobody", None, "Slice")).startswith("The ticker nobody was not found in the SymbolCache.")

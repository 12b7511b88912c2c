"""Runs the hostile classes alone and prints a table of what each attack got: `make hostile`.

The tests are those of `tests/test_hostile*.py`, which `make test` leaves out, and of `tests/test_claims.py`. A test of
an attack records what it found by `record_property("attack", {...})`, which becomes a row of the table. The exit status
is 0 if all tests passed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

__all__ = ["Attacks", "main"]

HERE = Path(__file__).parent
FILES = [*sorted(HERE.glob("test_hostile*.py")), HERE / "test_claims.py"]


class Attacks:
    """A pytest plugin that keeps what tests recorded, and whether each passed."""

    def __init__(self) -> None:
        self.rows: list[tuple[dict[str, object], bool]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.rows += [(dict(found), report.passed) for name, found in report.user_properties if name == "attack"]

    @property
    def gains(self) -> int:
        return sum(float(str(found["over"])) > 0 for found, _ in self.rows)

    def table(self) -> Table:
        table = Table("attack", "points over the control", "leaked", "harmed", "as expected")
        for found, passed in sorted(self.rows, key=lambda row: str(row[0]["name"])):
            words = (str(found[key]) for key in ("name", "over", "leaked", "harmed"))
            table.add_row(*words, "yes" if passed else "no")
        return table


def main() -> int:
    attacks = Attacks()
    status = pytest.main(["-q", "-p", "no:cacheprovider", *map(str, FILES), *sys.argv[1:]], plugins=[attacks])
    console = Console(width=110)
    console.print(attacks.table())
    console.print(f"{len(attacks.rows)} attacks, {attacks.gains} gained points")
    return int(status) or int(attacks.gains > 0)


if __name__ == "__main__":
    sys.exit(main())

"""What `autograder.checks` offers to people who write checks, and what it costs those who don't."""

from __future__ import annotations

import subprocess
import sys

import autograder.checks


def test_every_name_is_there() -> None:
    for name in autograder.checks.__all__:
        assert getattr(autograder.checks, name) is not None


def test_no_other_name_is() -> None:
    assert not hasattr(autograder.checks, "assert_almost_matches")


def test_the_package_alone_does_not_import_torch() -> None:
    code = "import sys, autograder.checks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

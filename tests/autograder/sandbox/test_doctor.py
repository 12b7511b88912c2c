"""What `doctor` finds, as root and as an ordinary user, and what it does where nothing holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import autograder.sandbox
from autograder.errors import GraderError, IsolationUnavailable
from autograder.sandbox import Report, Sandbox, diagnose
from autograder.sandbox.doctor import LAYERS, LEVELS, Probe
from autograder.sandbox.grader import sandbox as starting
from autograder.sandbox.isolation.paths import PACKAGE, inside, readable

REPOSITORY = Path(__file__).parents[3]
NOBODY = 65534
ASK = """
import json, sys
from autograder.sandbox import diagnose
print(json.dumps(diagnose(sys.argv[1] or None).as_json()))
"""


def test_the_best_level_of_this_host_holds() -> None:
    report = diagnose()
    assert report.ok, report
    assert report.level in "ABC"
    assert set(LAYERS) == {layer.name for layer in report.layers}
    assert all(layer.holds or layer.why_not for layer in report.layers)
    assert len(report.probes) > 12
    assert report.ready_ms > 0
    plain = json.loads(json.dumps(report.as_json()))
    assert plain["ok"] is True
    assert plain["meaning"] == LEVELS[report.level]


@pytest.mark.parametrize("level", ["", "C"])
def test_it_holds_for_an_ordinary_user(level: str) -> None:
    said = subprocess.run(
        [*as_ordinary_user(), sys.executable, "-c", ASK, level],
        capture_output=True, text=True, cwd=REPOSITORY, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    report = json.loads(said.stdout)
    if not report["layers"]:
        pytest.skip(report["problem"])  # a host without user namespaces, or without Landlock
    assert report["ok"], report["probes"]
    assert report["level"] == (level or report["level"])
    assert report["level"] in "BC"
    assert not next(layer["holds"] for layer in report["layers"] if layer["name"] == "user")


def as_ordinary_user() -> list[str]:
    """The start of a command line that runs as somebody without privileges, who can reach the interpreter.

    Root's interpreter may lie in a folder that is closed to others: then a mount namespace shows its prefix alone
    in that folder's place.
    """
    if os.geteuid() != 0:
        return []
    drop = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv, of util-linux")
    prefix = os.path.realpath(sys.base_prefix)
    closed = next((path for path in reversed(Path(prefix).parents) if not path.stat().st_mode & 0o001), None)
    if closed is None:
        return drop
    show = (
        'set -e; mount --bind "$1" /mnt; mount -t tmpfs -o mode=755 none "$2"; mkdir -p "$1"; '
        'mount --move /mnt "$1"; shift 2; exec "$@"'
    )
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip(f"{closed} is closed to ordinary users, and there are no mount namespaces")
    return ["unshare", "--mount", "sh", "-c", show, "sh", prefix, str(closed), *drop]


def test_what_the_package_offers_is_there() -> None:
    assert all(getattr(autograder.sandbox, name).__name__ == name for name in autograder.sandbox.__all__)
    with pytest.raises(AttributeError):
        _ = autograder.sandbox.no_such_name


def test_less_than_enough_is_refused_unless_asked_for() -> None:
    with pytest.raises(IsolationUnavailable, match="was requested"):
        Sandbox(level="D")
    with Sandbox(level="D", unsafe=True) as sandbox:
        assert sandbox.level == "D"
        assert not sandbox.layers["view"]


def test_a_zygote_that_is_killed_at_its_start_is_no_host_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    start = starting._start_zygote

    def killed(*arguments: Any) -> subprocess.Popen[bytes]:
        zygote = start(*arguments)
        zygote.kill()
        return zygote

    monkeypatch.setattr(starting, "_start_zygote", killed)
    with pytest.raises(GraderError, match=r"ended before it was ready \(killed by signal 9\)"):
        Sandbox()


def test_a_host_that_refuses_is_reported() -> None:
    report = diagnose("D")
    assert (report.level, report.ok, report.probes) == ("D", False, ())
    assert "was requested" in report.problem


def test_a_probe_that_got_something_makes_the_report_bad() -> None:
    assert Report("A", probes=(Probe("x", True),)).ok
    assert not Report("A", probes=(Probe("x", True), Probe("y", False, ("read it",)))).ok


def test_folders_that_workers_could_read_may_not_hide_anything() -> None:
    with pytest.raises(IsolationUnavailable, match="every worker can read"):
        Sandbox(hidden=[Path(os.__file__).parent])
    with Sandbox(hidden=[REPOSITORY / "solutions", REPOSITORY / "tests", REPOSITORY / "no such folder"]):
        pass


def test_only_the_engine_of_this_repository_is_readable() -> None:
    visible = readable()
    assert str(REPOSITORY / "autograder") == PACKAGE
    for path in (PACKAGE, os.__file__, sys.executable):
        assert inside(os.path.realpath(path), visible)
    for path in (REPOSITORY, REPOSITORY / "solutions", REPOSITORY / "tests/hidden", Path.home(), Path("/etc/passwd")):
        assert not inside(str(path), visible)

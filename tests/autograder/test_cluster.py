"""`autograder grade --cluster`: real Dask workers in processes of their own, on the toy course."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster, Security

from autograder import cli, grading
from autograder.course.layout import Course
from autograder.errors import GraderError, UsageError
from autograder.grading import cluster, fingerprint
from autograder.grading.order import Order
from autograder.submission.receive.inbox import Inbox
from tests.autograder.conftest import ROOT, Toy
from tests.autograder.grading.test_reference import WAITS

HALF = ("return self.total", "return self.total + 1")
NAMES = ("kim_full-1-A1-O1", "lee_half-2-A1-O1", "park_late-3-A1-O2", "choi_full-4-A1-O1")
SCORES = dict(zip(NAMES, (10.0, 4.0, 5.0, 10.0), strict=True))
# A check that notes when it begins and ends, in one file for each grading process.
SLOW = """
import os
import time
from pathlib import Path

import pytest


@pytest.mark.question({question!r})
def test_slow(student):
    with Path({notes!r}, f"{{os.getppid()}}.note").open("a") as notes:
        print("begin", end=" ", file=notes, flush=True)
        time.sleep(1)
        print("end", end=" ", file=notes, flush=True)
"""

# Whatever else this machine's memory is used for, no worker is held up or ended for it.
LOCAL: dict[str, Any] = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "memory_limit": 0}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler with two workers of one thread each."""
    with LocalCluster(**LOCAL, n_workers=2) as running:
        yield running.scheduler_address


@pytest.fixture
def handed_in(toy: Toy) -> Toy:
    for name in NAMES:
        toy.submit(name, *([HALF] if "half" in name else []))
    return toy


def order_for(toy: Toy) -> tuple[Order, cluster.Expected]:
    course = Course.find(toy.root)
    assignment = course.assignment("t1")
    entries = Inbox.open(toy.submitted, assignment).entries
    digests = {name: fingerprint.of_submission(path) for name, path in entries.items()}
    suite = fingerprint.of_suite(course, assignment)
    order = Order.of(course, assignment, 5, toy.submitted, suite=suite)
    return order, cluster.Expected.on_this_machine(order, digests)


def scores(
    address: str, toy: Toy, asked: tuple[Order, cluster.Expected], meanwhile: Callable[[], None] = lambda: None
) -> dict[str, float]:
    with cluster.graders(address, *asked) as (grade, executor, *_):
        futures = [executor.submit(grade, toy.submitted / f"{name}.zip", name) for name in NAMES]
        meanwhile()
        return {result.submission: result.score for result in (future.result() for future in as_completed(futures))}


def plugins(address: str) -> list[list[str]]:
    """The names of this package's plugins, for each worker."""
    with Client(address, set_as_default=False) as client:
        found = client.run(lambda dask_worker: [name for name in dask_worker.plugins if name.startswith("autograder-")])
    return list(found.values())


def kill_a_worker(address: str) -> None:
    with Client(address, set_as_default=False) as client:
        os.kill(min(client.run(os.getpid).values()), signal.SIGKILL)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def without_times(out: Path, name: str) -> dict[str, Any]:
    text = (out / name / "result.json").read_text()
    return json.loads(text, object_hook=lambda table: {k: v for k, v in table.items() if not k.endswith("seconds")})


def test_gives_what_this_machine_gives(handed_in: Toy, address: str, tmp_path: Path) -> None:
    far, near = tmp_path / "far", tmp_path / "near"
    done = handed_in.run("grade", "t1", handed_in.submitted, "--out", far, "--seed", "5", "--cluster", address)
    assert (done.returncode, done.stderr) == (0, "")
    assert handed_in.run("grade", "t1", handed_in.submitted, "--out", near, "--seed", "5").returncode == 0
    for name in NAMES:
        assert without_times(far, name) == without_times(near, name)
    again = handed_in.run("grade", "t1", handed_in.submitted, "--out", near, "--cluster", address)
    assert "4 of them kept from before" in again.stdout


@pytest.mark.parametrize("interrupted", [False, True])
def test_grading_processes_end_with_the_run(handed_in: Toy, address: str, interrupted: bool) -> None:
    def interrupt() -> None:
        if interrupted:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        scores(address, handed_in, order_for(handed_in), interrupt)
    assert plugins(address) == [[], []]


def test_a_worker_that_dies_loses_nothing(handed_in: Toy, address: str) -> None:
    assert scores(address, handed_in, order_for(handed_in), lambda: kill_a_worker(address)) == SCORES


def test_a_worker_that_dies_while_it_starts_stops_no_run(handed_in: Toy, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    (handed_in.root / "tests/hidden/t1_toy/test_waits.py").write_text(WAITS.format(flag=str(flag)))
    with LocalCluster(**LOCAL, n_workers=2) as running, ThreadPoolExecutor(1) as beside:
        address = running.scheduler_address

        def kill_one() -> None:
            wait_until(lambda: all(plugins(address)))
            kill_a_worker(address)
            flag.write_text("pass")

        killed = beside.submit(kill_one)
        assert scores(address, handed_in, order_for(handed_in)) == SCORES
        killed.result()


def test_workers_that_die_while_they_start_end_the_run(
    handed_in: Toy, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise OSError("closed")

    monkeypatch.setattr(Client, "register_plugin", dies)
    with pytest.raises(
        GraderError, match=r"workers or the scheduler were lost while grading started \(OSError: closed\)"
    ):
        scores(address, handed_in, order_for(handed_in))


def test_a_grading_process_that_dies_while_it_starts_ends_the_run(handed_in: Toy, address: str, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.write_text("die")
    (handed_in.root / "tests/hidden/t1_toy/test_waits.py").write_text(WAITS.format(flag=str(flag)))
    with pytest.raises(GraderError, match="the process that graded the reference by double died"):
        scores(address, handed_in, order_for(handed_in))


def test_a_later_worker_with_another_course_takes_no_submission(handed_in: Toy) -> None:
    """Where only such workers are left, the run ends with the reason."""
    asked = order_for(handed_in)
    with LocalCluster(**LOCAL, n_workers=1) as running:
        address = running.scheduler_address
        with cluster.graders(address, *asked) as (grade, executor, confirm, *_):

            def submit() -> dict[str, float]:
                futures = [executor.submit(grade, handed_in.submitted / f"{name}.zip", name) for name in NAMES]
                return {name: future.result().score for name, future in zip(NAMES, futures, strict=True)}

            with (handed_in.root / "tests/hidden/t1_toy/test_toy.py").open("a") as checks:
                checks.write("# another course\n")
            running.scale(2)
            running.wait_for_workers(2)
            wait_until(lambda: all(plugins(address)))
            assert submit() == SCORES
            confirm()
            running.scale(1)  # which ends the newer one
            kill_a_worker(address)
            with pytest.raises(UsageError, match="is not the course of this run"):
                submit()


def test_a_new_run_removes_what_a_killed_one_left(handed_in: Toy, address: str, tmp_path: Path) -> None:
    asked = order_for(handed_in)
    with cluster.graders(address, *asked) as (grade, executor, *_):
        words = handed_in.command("grade", "t1", handed_in.submitted, "--out", tmp_path / "out", "--cluster", address)
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as command:
            wait_until(lambda: [len(each) for each in plugins(address)] == [2, 2])
            command.kill()
        assert scores(address, handed_in, asked) == SCORES
        assert [len(each) for each in plugins(address)] == [1, 1]  # the living run's
        name = NAMES[0]
        assert executor.submit(grade, handed_in.submitted / f"{name}.zip", name).result().score == SCORES[name]


def test_a_plugin_that_cannot_be_removed_harms_no_run(
    handed_in: Toy, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("closed")

    with monkeypatch.context() as patched:
        patched.setattr(Client, "unregister_worker_plugin", fails)
        assert scores(address, handed_in, order_for(handed_in)) == SCORES


def test_a_worker_grades_as_much_of_the_reference_at_once_as_it_has_threads(
    handed_in: Toy, address: str, tmp_path: Path
) -> None:
    for question in ("double", "counter"):
        text = SLOW.format(question=question, notes=str(tmp_path))
        (handed_in.root / f"tests/hidden/t1_toy/test_slow_{question}.py").write_text(text)
    with cluster.graders(address, *order_for(handed_in)):
        pass
    noted = [file.read_text() for file in tmp_path.glob("*.note")]
    assert set(noted) == {"begin end begin end "}


def test_another_course_on_a_worker_is_refused(handed_in: Toy, address: str) -> None:
    order, expected = order_for(handed_in)
    with pytest.raises(UsageError, match="is not the course of this run"):
        scores(address, handed_in, (replace(order, suite="0" * 32), expected))


@pytest.mark.parametrize(
    "facts, words",
    [
        ({"packages": {"torch": "0.4.1", "numpy": version("numpy")}}, r"has torch 2\S+, and this run needs 0\.4\.1"),
        ({"data": frozenset({"cifar-10-batches-py"})}, r"has no cifar-10-batches-py in the course's folder data/"),
    ],
    ids=["packages", "data"],
)
def test_a_worker_whose_results_could_differ_is_refused(
    handed_in: Toy, address: str, facts: dict[str, Any], words: str
) -> None:
    order, expected = order_for(handed_in)
    with pytest.raises(UsageError, match=words):
        scores(address, handed_in, (order, replace(expected, **facts)))


def test_more_data_on_a_worker_does_no_harm(handed_in: Toy, address: str) -> None:
    asked = order_for(handed_in)
    (handed_in.root / "data/more").mkdir(parents=True)
    assert scores(address, handed_in, asked)


def test_a_worker_without_the_engine_is_named_as_the_reason(
    handed_in: Toy, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(self: Client, *given: Any, **more: Any) -> None:
        raise Exception("ModuleNotFoundError(\"No module named 'autograder'\")")  # Dask's way to send it

    monkeypatch.setattr(Client, "register_plugin", unreadable)
    with pytest.raises(GraderError, match=r"a worker cannot load the engine: .*No module named 'autograder'"):
        scores(address, handed_in, order_for(handed_in))


def test_a_broken_assignment_is_refused(handed_in: Toy, address: str) -> None:
    solution = handed_in.root / "solutions/t1_toy/toy.py"
    solution.write_text(handed_in.reference.replace("return self.total", "return [self.total]"))
    with pytest.raises(UsageError, match="the reference fails counter"):
        scores(address, handed_in, order_for(handed_in))


def test_a_run_ends_where_the_reference_fails_on_a_worker_after_all(handed_in: Toy, tmp_path: Path) -> None:
    """Workers begin at once where an earlier run found the reference right, and the end of the run waits for them."""
    flag = tmp_path / "flag"
    (handed_in.root / "tests/hidden/t1_toy/test_waits.py").write_text(WAITS.format(flag=str(flag)))
    flag.write_text("pass")
    order, expected = order_for(handed_in)
    with LocalCluster(**LOCAL, n_workers=1) as running:
        with cluster.graders(running.scheduler_address, order, expected) as graders:
            graders.confirm()
        flag.unlink()
        with cluster.graders(running.scheduler_address, replace(order, seed=6), expected) as graders:
            flag.write_text("fail")
            with pytest.raises(UsageError, match="the reference fails double / waits: failed: what the file says"):
                graders.confirm()


def test_a_submission_that_is_not_there_is_no_students_fault(handed_in: Toy, address: str) -> None:
    order = order_for(handed_in)
    (handed_in.submitted / f"{NAMES[0]}.zip").unlink()
    with pytest.raises(GraderError, match=f"{NAMES[0]}: .* is missing on"):
        scores(address, handed_in, order)


def test_nobody_answers(
    handed_in: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    words = ["--course", handed_in.root, "grade", "t1", handed_in.submitted, "--out", tmp_path / "out"]
    assert cli.main([*map(str, words), "--cluster", "tcp://127.0.0.1:9"]) == 2
    assert "autograder: --cluster: no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nobody_works(handed_in: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 0.1)
    with LocalCluster(n_workers=0, dashboard_address=":0") as running, pytest.raises(UsageError, match="has no worker"):
        scores(running.scheduler_address, handed_in, order_for(handed_in))


def test_running_times_on_a_gpu_need_a_worker_with_one(handed_in: Toy, address: str) -> None:
    order, expected = order_for(handed_in)
    with pytest.raises(UsageError, match=r"no worker has a GPU; start one with .* --resources GPU=1"):
        scores(address, handed_in, (replace(order, device="cuda"), expected))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of a certificate that is its own authority, by the name that Dask's configuration has for each."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=autograder"]
    subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    roles = {
        f"tls_{role}_{part}": file
        for role in ("scheduler", "worker", "client")
        for part, file in (("key", key), ("cert", certificate))
    }
    return {"tls_ca_file": certificate, **roles}


def test_encrypted(
    handed_in: Toy, certificates: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    security = Security(**certificates, require_encryption=True)
    with LocalCluster(**LOCAL, n_workers=1, protocol="tls://", security=security) as running:
        assert running.scheduler_address.startswith("tls://")
        words = ("grade", "t1", handed_in.submitted, "--cluster", running.scheduler_address, "--seed", "5", "--out")
        refused = handed_in.run(*words, tmp_path / "refused")
        assert refused.returncode == 2
        assert "needs certificates: set ca-file and client.cert" in refused.stderr
        assert not (tmp_path / "refused").exists()
        monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CA_FILE", certificates["tls_ca_file"])
        monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT", certificates["tls_client_cert"])
        monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY", certificates["tls_client_key"])
        done = handed_in.run(*words, tmp_path / "out")
        assert (done.returncode, done.stderr) == (0, "")
        assert len(list((tmp_path / "out").glob("*/result.json"))) == len(NAMES)


def test_jobs_are_not_for_a_cluster(handed_in: Toy, tmp_path: Path) -> None:
    words = ("--out", tmp_path / "out", "--jobs", "2", "--cluster", "tcp://127.0.0.1:9")
    done = handed_in.run("grade", "t1", handed_in.submitted, *words)
    assert done.returncode == 2
    assert "not with --cluster" in done.stderr


def test_without_dask(
    handed_in: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "autograder.grading.cluster")
    monkeypatch.delattr(grading, "cluster")
    words = ["--course", handed_in.root, "grade", "t1", handed_in.submitted, "--out", tmp_path / "out"]
    assert cli.main([*map(str, words), "--cluster", "tcp://127.0.0.1:9"]) == 2
    assert "pip install 'autograder[cluster]'" in capsys.readouterr().err


def test_no_image_holds_what_git_leaves_out() -> None:
    ignored, left_out = (set((ROOT / name).read_text().split("\n")) for name in (".gitignore", ".dockerignore"))
    patterns = {line.rstrip("/") for line in ignored if line and not line.startswith("#")}
    wanted = {pattern.lstrip("/") if "/" in pattern else f"**/{pattern}" for pattern in patterns}
    assert wanted | {".git"} <= left_out

"""A process from outside: its clock, its core, whether it runs. And claims that die with their holder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from autograder.sandbox.grader.process import Process, a_core, claimed

BURN = """
import threading
thread = threading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True)
thread.start()
print("on", flush=True)
thread.join()
"""


@pytest.fixture
def burning() -> Iterator[Process]:
    """A process with a thread that never rests."""
    child = subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    descriptor = os.pidfd_open(child.pid)
    try:
        yield Process(child.pid, descriptor)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        os.close(descriptor)


def grows(process: Process, within: float = 5.0) -> bool:
    """Whether its CPU time goes on."""
    start, deadline = process.cpu_seconds(), time.monotonic() + within
    while time.monotonic() < deadline:
        if process.cpu_seconds() > start + 0.005:
            return True
    return False


def test_all_threads_count_and_stop_stops_them(burning: Process) -> None:
    assert grows(burning)
    burning.stop()
    os.waitid(os.P_PID, burning.pid, os.WSTOPPED)  # once the signal has arrived everywhere
    assert not grows(burning, within=0.1)
    burning.resume()
    assert grows(burning)


def test_all_threads_move_and_move_back(burning: Process) -> None:
    before = os.sched_getaffinity(burning.pid)
    core = max(before)
    assert burning.pin(core)
    threads = [int(name) for name in os.listdir(f"/proc/{burning.pid}/task")]
    assert len(threads) > 1
    assert all(os.sched_getaffinity(thread) == {core} for thread in threads)
    burning.unpin()
    assert all(os.sched_getaffinity(thread) == before for thread in threads)


def test_who_is_gone_takes_no_time_and_no_core(burning: Process) -> None:
    burning.kill()
    os.waitpid(burning.pid, 0)
    assert burning.cpu_seconds() == 0.0
    assert not burning.pin(0)
    burning.stop()
    burning.resume()


def test_a_claim_is_exclusive_and_ends_with_its_holder() -> None:
    name = f"test-{os.getpid()}"
    with claimed([name], 0.0) as first, claimed([name], 0.0) as second, claimed([name, f"{name}-2"], 0.0) as third:
        assert (first, second, third) == (0, None, 1)
    with claimed([name], 0.0) as again:
        assert again == 0
    held = os.fork()
    if held == 0:
        with claimed([name], 0.0):
            os._exit(0)  # without letting go
    os.waitpid(held, 0)
    with claimed([name], 0.0) as again:
        assert again == 0


def test_each_core_once() -> None:
    with a_core() as one:
        assert one in os.sched_getaffinity(0)

"""Whose time it is: what a worker sleeps is its own, what it waits for a core or what the machine stands still, not."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest

from autograder.errors import TimeSpent
from autograder.sandbox.grader import deadline
from autograder.sandbox.grader.deadline import MAX_STRETCH, STRETCH, Allowance, Deadline


class Machine:
    """A clock that a test moves, and a poll object for which nothing ever comes.

    Attributes:
        waited: seconds that the worker was ready and did not run.
        late: seconds that this process wakes too late, at each waiting.
    """

    def __init__(self) -> None:
        self.time = self.waited = self.late = self.busy = 0.0

    def poll(self, milliseconds: float) -> list[object]:
        self.time += milliseconds / 1000 + self.late
        self.waited += self.busy * milliseconds / 1000
        return []


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(deadline.time, "monotonic", lambda: machine.time)
    monkeypatch.setattr(deadline, "waited_for_a_core", lambda pid=None: 0.0)
    return machine


def ends(machine: Machine, end: Deadline) -> float:
    """When it ends."""
    with pytest.raises(TimeoutError):
        end.wait(machine)  # type: ignore[arg-type]
    return machine.time


def test_an_idle_machine_takes_nothing_off(machine: Machine) -> None:
    end = Deadline(10.0, lambda: machine.waited)
    assert ends(machine, end) == pytest.approx(10.0, abs=0.1)
    assert (end.spent(), end.starved) == (pytest.approx(10.0, abs=0.1), False)


def test_waiting_for_a_core_is_taken_off(machine: Machine) -> None:
    machine.busy = 0.75
    end = Deadline(10.0, lambda: machine.waited)
    assert ends(machine, end) == pytest.approx(40.0, rel=0.01)
    assert (end.spent(), end.lost()) == (pytest.approx(10.0, rel=0.01), pytest.approx(30.0, rel=0.01))


def test_a_machine_that_stands_still_is_taken_off(machine: Machine) -> None:
    machine.late = 0.15
    assert ends(machine, Deadline(10.0)) == pytest.approx(40.0, rel=0.05)


def test_what_is_taken_off_is_bounded(machine: Machine) -> None:
    machine.busy = 1.0
    end = Deadline(10.0, lambda: machine.waited)
    assert ends(machine, end) == pytest.approx(10.0 * STRETCH, rel=0.01)
    assert end.starved


def test_waiting_for_own_threads_is_not_taken_off(machine: Machine) -> None:
    """Other threads of the worker compute all the time, and its first thread waits for a core."""
    machine.busy = 1.0
    end = Deadline(10.0, lambda: machine.waited, computed=lambda: machine.time)
    assert ends(machine, end) == pytest.approx(10.0, rel=0.01)
    assert (end.lost(), end.starved) == (0.0, False)


def test_a_worker_that_computes_a_share_of_the_time_is_charged_that_share(machine: Machine) -> None:
    machine.busy = 1.0
    end = Deadline(10.0, lambda: machine.waited, computed=lambda: machine.time / 4)
    assert ends(machine, end) == pytest.approx(40.0, rel=0.01)
    assert not end.starved


def test_an_allowance_counts_what_passes_between_exchanges_too(machine: Machine) -> None:
    allowance = Allowance(10.0)
    machine.time += 4.0
    assert allowance.left() == pytest.approx(6.0)
    machine.busy = 0.5
    end = Deadline(60.0, lambda: machine.waited, allowance)
    assert ends(machine, end) == pytest.approx(4.0 + 12.0, rel=0.02)
    allowance.forgive(end.lost())
    assert allowance.spent


def test_an_allowance_is_over_at_last(machine: Machine) -> None:
    allowance, machine.busy = Allowance(10.0), 1.0
    assert ends(machine, Deadline(60.0, lambda: machine.waited, allowance)) == pytest.approx(10 * MAX_STRETCH, rel=0.02)


def test_waiting_for_others_costs_no_allowance(machine: Machine) -> None:
    allowance = Allowance(10.0)
    with allowance.paused():
        machine.time += 100.0
    assert allowance.left() == pytest.approx(10.0)


def test_an_allowance_without_end() -> None:
    assert not Allowance().spent
    with Allowance().alarm():
        pass


def test_what_the_grader_does_itself_is_interrupted() -> None:
    with pytest.raises(TimeSpent), Allowance(0.01).alarm():
        time.sleep(60)
    time.sleep(0.05)  # nothing rings any more


@pytest.fixture
def silent() -> Iterator[select.poll]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poll = select.poll()
        poll.register(ours, select.POLLIN)
        yield poll


def test_a_real_clock_and_nobody_who_answers(silent: select.poll) -> None:
    end = Deadline(0.2)
    with pytest.raises(TimeoutError):
        end.wait(silent)
    assert end.spent() >= 0.19

"""The engine of a measurement, on clocks that a script moves."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from autograder.checks.timing.measurement import TRUSTED_SECONDS, Measurement, Quick
from autograder.checks.timing.slices import Task
from autograder.checks.timing.statistics import MAX_PAIRS, MIN_CLEAR_PAIRS, Measured
from autograder.course.model import Band, Budget
from autograder.errors import CheckFailed, GraderError, ProtocolError, WorkerTimeout
from autograder.sandbox.local import LocalChannel
from autograder.sandbox.session import accelerator, timed
from tests.autograder.checks.fake_sides import FakeCuda, FakeSide, Machine, double, module

BANDS = (Band(2.0, 1.0), Band(5.0, 0.5))
SIZES = {"cpu": {"rows": 3}, "cuda": {"rows": 3}}
TASK = Task(lambda who, x: who.double(x)[0])


def draw(rng: Any, size: Any) -> tuple[torch.Tensor]:
    return (rng.normal(size.rows, 5),)


class Pair:
    """Both sides, and a measurement of them."""

    def __init__(self, device: str = "cpu", student: Callable[..., Any] = double) -> None:
        self.machine, self.device = Machine(), device
        self.budget = Budget("b", bands=BANDS, sizes=SIZES)
        self.baseline = FakeSide(self.machine, "baseline", LocalChannel(module(double=double)), lambda call: 4.0)
        self.student = FakeSide(self.machine, "student", LocalChannel(module(double=student)), lambda call: 4.0)
        self.part: SimpleNamespace | None = None
        if device == "cuda":
            self.baseline.events = self.student.events = lambda took: took

    def run(self, task: Task = TASK, seed: int = 1) -> Measured:
        size = SimpleNamespace(rows=3, device=self.device)
        measurement = Measurement(self.budget, size, task, draw, seed, 10.0, self.part, now=lambda: self.machine.wall)
        return measurement.run(self.baseline, self.student, 1)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    library = FakeCuda()
    monkeypatch.setattr(timed, "Accelerator", lambda device: accelerator.Accelerator(device, library, place="cpu"))
    return library


@pytest.mark.parametrize(
    "cost, ratio, credit, verdict",
    [(4.0, 1.0, 1.0, "within"), (2.0, 0.5, 1.0, "within"), (12.0, 3.0, 0.5, "over"), (40.0, 10.0, 0.0, "over")],
)
def test_verdicts(cost: float, ratio: float, credit: float, verdict: str) -> None:
    pair = Pair()
    pair.student.cost = lambda call: cost
    found = pair.run()
    assert (found.ratio, found.credit, found.verdict) == (pytest.approx(ratio), credit, verdict)
    assert (found.pairs == MIN_CLEAR_PAIRS) is (ratio != 3.0)  # near no edge
    assert (found.clock, found.core, len(found.student_ms)) == ("cpu", 1, found.pairs)


def test_two_calls_say_enough_of_what_is_far_too_slow() -> None:
    pair = Pair()
    pair.student.cost = lambda call: 400.0 + 20 * call
    found = pair.run()
    assert (found.verdict, found.credit, found.pairs, pair.student.calls) == ("over", 0.0, 2, 2)
    assert found.interval == (pytest.approx(100.0, rel=0.01), pytest.approx(105.0, rel=0.01))


def test_two_long_calls_of_a_slow_machine_say_nothing() -> None:
    """It is slow for both from the submission's first call on, until after the baseline is timed again."""
    pair = Pair()
    pair.baseline.cost = lambda call: 4.0 if call < 2 or call > 3 else 20.0
    pair.student.cost = lambda call: 60.0 if call < 2 else 8.0
    found = pair.run()
    assert (found.verdict, found.credit) == ("within", 1.0)


WIDE = (Band(2.0, 1.0), Band(5.0, 0.5), Band(100.0, 0.25))


@pytest.mark.parametrize("cost, ratio, credit", [(108.0, 27.0, 0.25), (200.0, 50.0, 0.25), (240.0, 60.0, 0.25)])
def test_two_long_calls_say_enough_inside_a_wide_band(cost: float, ratio: float, credit: float) -> None:
    pair = Pair()
    pair.budget = Budget("b", bands=WIDE, sizes=SIZES)
    pair.student.cost = lambda call: cost
    found = pair.run()
    assert (found.verdict, found.credit, found.ratio) == ("over", credit, pytest.approx(ratio))
    assert (found.pairs, pair.student.calls, found.clock) == (2, 2, "cpu")


@pytest.mark.parametrize("cost, calls", [(240.0, 2), (270.0, 3), (290.0, 4), (320.0, 8)])
def test_more_long_calls_say_enough_nearer_to_an_edge(cost: float, calls: int) -> None:
    pair = Pair()
    pair.budget = Budget("b", bands=WIDE, sizes=SIZES)
    noise = np.random.default_rng(0).lognormal(0, 0.3, 2000)
    pair.baseline.cost = lambda call: 4.0 if call % 4 else 4.0 * noise[call]
    pair.student.cost = lambda call: cost
    found = pair.run()
    assert (found.verdict, found.credit, found.ratio) == ("over", 0.25, pytest.approx(cost / 4, rel=0.1))
    assert (found.pairs, pair.student.calls) == (calls, calls)


@pytest.mark.parametrize("cost", [28.0, 39.0, 360.0, 380.0])
def test_calls_that_are_short_or_near_an_edge_take_pairs(cost: float) -> None:
    pair = Pair()
    pair.budget = Budget("b", bands=WIDE, sizes=SIZES)
    pair.student.cost = lambda call: cost
    found = pair.run()
    assert (found.verdict, found.credit) == ("over", 0.25)
    assert found.pairs >= MIN_CLEAR_PAIRS


@pytest.mark.parametrize("slow", [(0, 1), (0,), (1,)])
def test_two_long_calls_that_a_slow_machine_puts_inside_a_band_say_nothing(slow: tuple[int, ...]) -> None:
    """The machine is three times as slow during these calls of the submission, and between both if it is at both."""
    pair = Pair()
    pair.budget = Budget("b", bands=(Band(30.0, 1.0), Band(200.0, 0.5)), sizes=SIZES)
    between = range(2, 5) if slow == (0, 1) else ()
    pair.baseline.cost = lambda call: 12.0 if call in between else 4.0
    pair.student.cost = lambda call: 300.0 if call in slow else 100.0
    found = pair.run()
    assert (found.verdict, found.credit) == ("within", 1.0)


def test_a_submission_that_sleeps_through_two_long_calls_is_timed_by_the_wall() -> None:
    pair = Pair()
    pair.budget = Budget("b", bands=WIDE, sizes=SIZES)
    pair.student.cost = lambda call: 120.0
    pair.student.asleep = 480.0
    found = pair.run()
    assert (found.credit, found.clock) == (0.0, "wall")


def test_one_long_call_says_nothing() -> None:
    pair = Pair()
    pair.student.cost = lambda call: 4.0 if call else 4000.0
    assert pair.run().verdict == "within"


@pytest.fixture
def begun() -> Pair:
    """A race that begins with a part of the work, one row of three. The last points end at 20 ms."""
    pair = Pair()
    pair.part = SimpleNamespace(rows=1, device="cpu")
    return pair


def test_a_part_says_enough_of_what_takes_twice_the_last_points_for_it(begun: Pair) -> None:
    begun.student.cost = lambda call: 41.0
    found = begun.run()
    assert (found.verdict, found.credit, found.ratio, found.clock) == ("over", 0.0, None, "cpu")
    assert (found.interval, begun.student.calls) == ((pytest.approx(10.25), None), 2)
    assert found.notes == ("a part of the work took so long",)


@pytest.mark.parametrize("slow", [0, 1])
def test_one_long_call_of_a_part_says_nothing(begun: Pair, slow: int) -> None:
    begun.student.cost = lambda call: 4000.0 if call == slow else 4.0
    assert begun.run().verdict == "within"


def test_work_that_every_call_does_counts_no_more_in_a_part(begun: Pair) -> None:
    """A part that takes as long as all of the work: far slower than the baseline on that part, and within a band."""
    begun.baseline.cost = lambda call: 0.1 if call in (2, 3) else 4.0
    begun.student.cost = lambda call: 19.0
    assert begun.run().credit == 0.5


def test_a_machine_that_was_slow_for_both_takes_no_band(begun: Pair) -> None:
    """Slow from the part's first call on until after the baseline is timed again."""
    begun.baseline.cost = lambda call: 4.0 if call < 2 or call > 5 else 12.0
    begun.student.cost = lambda call: 54.0 if call < 2 else 18.0
    assert begun.run().credit == 0.5


def test_a_wrong_part_is_not_slow(begun: Pair) -> None:
    begun.student.channel = LocalChannel(module(double=lambda x: (3 * x, "")))
    begun.student.cost = lambda call: 400.0
    with pytest.raises(CheckFailed, match="differs from the reference's"):
        begun.run()


def test_a_part_on_a_gpu(cuda: FakeCuda) -> None:
    pair = Pair("cuda")
    pair.part = SimpleNamespace(rows=1, device="cuda")
    assert pair.run().verdict == "within"
    pair = Pair("cuda")
    pair.part, pair.student.cost = SimpleNamespace(rows=1, device="cuda"), lambda call: 50.0
    found = pair.run()
    assert (found.clock, found.credit, pair.student.calls) == ("events", 0.0, 2)


def test_equal_runs_measure_alike() -> None:
    assert Pair().run() == Pair().run()


def test_an_edge_is_too_noisy_and_takes_all_pairs() -> None:
    pair = Pair()
    noise = np.random.default_rng(0).lognormal(0, 0.15, 2000)
    pair.student.cost = lambda call: 8.0 * noise[call // 2]
    pair.baseline.cost = lambda call: 4.0 * noise[-1 - call // 3]
    found = pair.run()
    assert (found.verdict, found.pairs, found.credit) == ("too noisy to say", MAX_PAIRS, 1.0)


def test_what_is_left_for_later_is_paid_for() -> None:
    """Outputs that are computed when they are looked at: the calls take nothing, the look takes it all."""
    pair = Pair()
    pair.student.cost, pair.student.around = (lambda call: 0.1), 120.0
    assert pair.run().credit == 0.0


def test_time_asleep_counts() -> None:
    pair = Pair()
    pair.student.asleep = 40.0
    found = pair.run()
    assert (found.clock, found.verdict, found.credit) == ("wall", "over", 0.0)


def test_noise_of_ones_own_making_does_not_pay() -> None:
    """Half of all pairs fast and half slow: the median says nothing, and the mean decides."""
    pair = Pair()
    pair.student.cost = lambda call: 1.0 if (call // 3) % 2 else 60.0
    found = pair.run()
    assert found.verdict == "over"
    assert found.credit == 0.0


def test_a_baseline_whose_time_cannot_be_read_is_no_wrong_answer() -> None:
    """Times of nothing at all on one side, and of any length on the other: what a machine may do to short calls."""
    pair = Pair()
    noise = np.random.default_rng(0).lognormal(0, 3, 5000)
    pair.student.cost = lambda call: 0.002 * noise[call // 64]
    pair.baseline.cost = lambda call: 0.0
    found = pair.run()
    assert found.verdict in ("over", "too noisy to say")


def test_requests_that_take_long_by_chance_do_not_shorten_the_calls() -> None:
    pair = Pair()
    pair.baseline.without = [400.0, 400.0, 400.0, 0.01, 400.0]
    pair.student.cost = lambda call: 12.0
    assert pair.run().ratio == pytest.approx(3.0, rel=0.15)


def test_a_deadline_is_over() -> None:
    pair = Pair()
    request = pair.student.request

    def slow(op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        if op == "run" and pair.student.calls > 3:
            raise WorkerTimeout(timeout or 0)
        return request(op, payload, timeout)

    pair.student.request = slow  # type: ignore[method-assign]
    found = pair.run()
    assert (found.ratio, found.interval, found.credit, found.verdict) == (None, (5.0, None), 0.0, "over")


@pytest.mark.parametrize("calls, credit", [(0, 0.0), (3, 1.0)])
def test_a_machine_that_is_too_busy_gives_nobody_a_point_for_an_answer_that_it_has_not_seen(
    calls: int, credit: float
) -> None:
    pair = Pair()
    request = pair.student.request

    def starved(op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        if op == "run" and pair.student.calls >= calls:
            raise WorkerTimeout(timeout or 0, 0.0, starved=True)
        return request(op, payload, timeout)

    pair.student.request = starved  # type: ignore[method-assign]
    found = pair.run()
    assert (found.verdict, found.credit) == ("too noisy to say", credit)


def test_a_machine_that_stands_still_is_nobodys_fault() -> None:
    """The baseline has all the time it may need: where it takes long, that is not its doing."""
    pair = Pair()
    request, allowed = pair.baseline.request, []

    def patient(op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        allowed.append(timeout)
        return request(op, payload, timeout)

    pair.baseline.request = patient  # type: ignore[method-assign]
    pair.run()
    assert all(timeout is not None and timeout >= TRUSTED_SECONDS for timeout in allowed)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: (3 * x, ""),
        lambda x: (2 * x[:-1], ""),
        lambda x: (None, ""),
        lambda x: (torch.where(torch.arange(5) > 3, 0.0, 2 * x), ""),
        lambda x: (2 * x * float("nan"), ""),
    ],
    ids=["values", "shape", "nothing", "a part left out", "nan"],
)
def test_wrong_work_is_not_fast(wrong: Callable[..., Any]) -> None:
    with pytest.raises(CheckFailed, match="the output of the timed calls"):
        Pair(student=wrong).run()


def test_work_cached_by_shape_is_seen() -> None:
    kept: dict[Any, Any] = {}

    def cached(x: torch.Tensor) -> Any:
        return kept.setdefault(x.shape, double(x))

    with pytest.raises(CheckFailed):
        Pair(student=cached).run()


def test_inputs_never_repeat() -> None:
    seen: list[bytes] = []

    def watching(x: torch.Tensor) -> Any:
        seen.append(x.numpy().tobytes())
        return double(x)

    Pair(student=watching).run()
    assert len(seen) == len(set(seen)) > MIN_CLEAR_PAIRS


def test_quick_normal_numbers_are_normal_and_never_repeat() -> None:
    quick = Quick(3)
    first, second = (quick.normal(2, 200_000, scale=3.0) for _ in range(2))  # more than one drawing holds
    assert (first.shape, first.dtype) == ((2, 200_000), torch.float64)
    for drawn in (first, second):
        assert float(drawn.mean()) == pytest.approx(0.0, abs=0.05)
        assert float(drawn.std()) == pytest.approx(3.0, rel=0.25)
    assert float((first == second).to(torch.float64).mean()) < 0.01
    assert torch.equal(Quick(3).normal(2, 200_000, scale=3.0), first)
    assert quick.normal().shape == ()
    assert quick.normal(0, 3, dtype=torch.float32).shape == (0, 3)


def test_prepared_objects_and_late_inputs() -> None:
    order: list[str] = []

    def forward(x: torch.Tensor) -> Any:
        order.append("forward")
        return 2 * x, {"x": x}

    def backward(upstream: torch.Tensor, cache: Any) -> torch.Tensor:
        order.append("backward")
        return upstream * cache["x"]

    pair = Pair()
    for side in (pair.baseline, pair.student):
        side.channel = LocalChannel(module(forward=forward, backward=backward))
    assert pair.run(BACKWARD).verdict == "within"
    assert order[:2] == ["forward", "backward"]


BACKWARD = Task(lambda who, x, cache: who.backward(x, cache), prepare=lambda who, x: who.forward(x)[1])


def with_slow_forward(seconds: float) -> Pair:
    """A pair whose student's forward takes so long; its backward is as fast as the baseline's."""
    pair = Pair()

    def forward(x: torch.Tensor) -> Any:
        return 2 * x, {"x": x}

    def slow(x: torch.Tensor) -> Any:
        pair.machine.wall += seconds
        return forward(x)

    def backward(upstream: torch.Tensor, cache: Any) -> torch.Tensor:
        return upstream * cache["x"]

    pair.baseline.channel = LocalChannel(module(forward=forward, backward=backward))
    pair.student.channel = LocalChannel(module(forward=slow, backward=backward))
    request = pair.student.request

    def within_seconds(op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        began = pair.machine.wall
        answer = request(op, payload, timeout)
        if pair.machine.wall - began > (timeout or math.inf):
            raise WorkerTimeout(timeout or 0)
        return answer

    pair.student.request = within_seconds  # type: ignore[method-assign]
    return pair


@pytest.mark.parametrize("seconds", [0.3, 4.0, 9.0])
def test_a_slow_preparation_makes_no_call_slow(seconds: float) -> None:
    found = with_slow_forward(seconds).run(BACKWARD)
    assert (found.verdict, found.credit) == ("within", 1.0)


def test_a_preparation_beyond_its_deadline_is_no_running_time() -> None:
    with pytest.raises(WorkerTimeout):
        with_slow_forward(11.0).run(BACKWARD)


def test_a_model_and_an_optimizer_train() -> None:
    torch.manual_seed(0)
    start = torch.nn.Linear(5, 2).double().state_dict()

    def make() -> torch.nn.Module:
        made = torch.nn.Linear(5, 2).double()
        made.load_state_dict(start)
        return made

    pair = Pair()
    for side in (pair.baseline, pair.student):
        side.channel = LocalChannel(module(make=make, SGD=lambda m: torch.optim.SGD(m.parameters(), lr=0.01)))

    def setup(who: Any) -> tuple[Any, Any]:
        model = who.make()
        return model, who.SGD(model)

    def step(made: Any, x: Any) -> Any:
        model, optimizer = made
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    assert pair.run(Task(step, setup=setup)).verdict == "within"


def test_outputs_must_be_something() -> None:
    with pytest.raises(GraderError, match="must return a tensor or a number"):
        Pair().run(Task(lambda who, x: who.double(x)[1]))


@pytest.mark.parametrize("answer", [None, {"results": 3}, {"results": None, "seconds": None}, [1]])
def test_an_answer_that_is_none(answer: Any) -> None:
    pair = Pair()
    request = pair.student.request
    pair.student.request = lambda op, payload, timeout=None: (  # type: ignore[method-assign]
        answer if op == "run" else request(op, payload, timeout)
    )
    with pytest.raises(ProtocolError):
        pair.run()


FORGED = (
    {"kind": "Tensor", "shape": (3, 5)},
    {"kind": torch.ones(2), "shape": (3, 5)},
    {"kind": "Tensor", "shape": torch.tensor([3, 5])},
    {"kind": "Tensor", "shape": (np.array([3, 3]), 5)},
    {"kind": "Tensor", "shape": (3, 5), "sums": torch.ones(1, dtype=torch.float64), "elements": [1.0]},
)


@pytest.mark.parametrize("answer", [[], [[{}]], [["x"]], *([[digest]] for digest in FORGED)])
def test_a_digest_that_is_none(answer: Any) -> None:
    pair = Pair()
    request = pair.student.request
    pair.student.request = lambda op, payload, timeout=None: (  # type: ignore[method-assign]
        answer if op == "digest" else request(op, payload, timeout)
    )
    with pytest.raises((ProtocolError, CheckFailed)):
        pair.run()


def test_events_decide_where_the_graders_clock_agrees(cuda: FakeCuda) -> None:
    pair = Pair("cuda")
    pair.student.cost = lambda call: 12.0
    found = pair.run()
    assert (found.clock, found.credit, found.notes) == ("events", 0.5, ())
    assert cuda.log[0] == "init"
    assert "synchronize" in cuda.log


def test_events_that_lie_do_not_count(cuda: FakeCuda) -> None:
    pair = Pair("cuda")
    pair.student.cost, pair.student.events = (lambda call: 40.0), (lambda took: took / 20)
    found = pair.run()
    assert (found.clock, found.credit) == ("wall", 0.0)
    assert "disagrees" in found.notes[0]


def test_what_a_request_takes_anyway_hides_nothing(cuda: FakeCuda) -> None:
    """Calls that are short beside a request: the grader's clock alone would see a ratio of 2."""
    pair = Pair("cuda")
    for side in (pair.baseline, pair.student):
        side.anyway = 3.0
        side.cost = lambda call: 0.05
    assert pair.run().ratio == pytest.approx(1.0)
    pair = Pair("cuda")
    pair.baseline.anyway = pair.student.anyway = 3.0
    pair.baseline.cost, pair.student.cost = (lambda call: 0.05), (lambda call: 0.5)
    pair.student.events = lambda took: took / 20
    found = pair.run()
    assert (found.clock, found.ratio, found.credit) == ("wall", pytest.approx(10.0, rel=0.05), 0.0)


def test_inputs_that_take_long_to_lay_make_nobody_slow(cuda: FakeCuda) -> None:
    """Now one side's take longer to be laid and looked at, now the other's, by many times what a call takes."""
    pair = Pair("cuda")
    noise = np.random.default_rng(3)
    for side in (pair.baseline, pair.student):
        request = side.request

        def noisy(op: str, payload: Any, timeout: Any = None, side: Any = side, request: Any = request) -> Any:
            side.around = float(noise.uniform(20, 60))
            return request(op, payload, timeout)

        side.request = noisy  # type: ignore[method-assign]
        side.cost = lambda call: 0.5
    found = pair.run()
    assert (found.verdict, found.ratio) == ("within", pytest.approx(1.0))


@pytest.mark.parametrize("told", [float("nan"), float("inf")])
def test_events_that_are_no_numbers(cuda: FakeCuda, told: float) -> None:
    pair = Pair("cuda")
    pair.student.events = lambda took: told
    with pytest.raises(ProtocolError):
        pair.run()


def test_work_left_on_the_device_is_paid_for(cuda: FakeCuda) -> None:
    pair = Pair("cuda")
    pair.student.cost, pair.student.around = (lambda call: 0.5), 200.0
    assert pair.run().credit == 0.0


def test_a_baseline_that_is_slowed_down_is_timed_alone(cuda: FakeCuda) -> None:
    pair = Pair("cuda")
    pair.student.cost = lambda call: 24.0
    request = pair.student.request

    def burdening(op: str, payload: dict[str, Any], timeout: float | None = None) -> Any:
        pair.machine.slowdown = 1.0 if pair.student.killed else 4.0
        return request(op, payload, timeout)

    pair.student.request = burdening  # type: ignore[method-assign]
    found = pair.run()
    assert pair.student.killed
    assert (found.ratio, found.credit) == (pytest.approx(6.0, rel=0.05), 0.0)
    assert "once the submission was ended" in found.notes[-1]

"""What a submission says of itself earns nothing: settings, layers, labels that it was shown, its own loss, a history.

Each attack is a pair of files in `submissions/hostile/claims/`: `control.py` makes the reference wrong, `attack.py` has
the wrong code claim that it is right. The attack, graded with both, gets no more than its control.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.course.layout import Course
from autograder.course.outcome import Outcome
from autograder.course.result import SubmissionResult
from autograder.grading.client import GradingProcess
from autograder.grading.order import Order

COURSE = Course.find(Path(__file__))
CLAIMS = Path(__file__).parent / "submissions/hostile/claims"
# By assignment, the module that code is added to unless a test names another.
NAMES = {"a6": "convolutional_networks", "a7": "pytorch_autograd_and_nn", "a8": "segmentation", "a9": "rcnn"}
# The questions that each is after, with those that they depend on.
TRAINING = ("deep-net", "overfit", "half-minute")
SETTINGS = ("three-layer-module", "initialize-part2", "initialize-part3")
NETWORK = ("residual-block", "resnet")
HISTORY = ("residual-block", "resnet", "training-history")
Record = Callable[[str, object], None]  # pytest's fixture record_property
HISTORY_FILE = f"{NAMES['a7']}.pt"


class Grader:
    """Grades the reference of an assignment, changed."""

    def __init__(self, process: GradingProcess, id: str, scratch: Path) -> None:
        self._process, self._id, self._scratch = process, id, scratch
        self._assignment = COURSE.assignment(id)

    def grade(
        self,
        name: str,
        questions: tuple[str, ...],
        code: str = "",
        artifacts: Mapping[str, Any] | None = None,
        module: str | None = None,
    ) -> SubmissionResult:
        """The reference with code added at the end of a module, and with other artifacts."""
        folder = self._scratch / name
        folder.mkdir()
        changed = f"{module or NAMES[self._id]}.py"
        for file, path in COURSE.sources(self._assignment).items():
            source = path.read_text(encoding="utf-8")
            (folder / file).write_text(f"{source}\n\n{code}" if file == changed else source, encoding="utf-8")
        for file, content in COURSE.artifacts(self._assignment).items():
            (folder / file).write_bytes(_file(artifacts[file]) if artifacts and file in artifacts else content)
        return self._process.grade_as_it_is(folder, name, questions)

    def both(
        self,
        claim: str,
        questions: tuple[str, ...],
        artifacts: Mapping[str, Any] | None = None,
        module: str | None = None,
    ) -> tuple[SubmissionResult, SubmissionResult]:
        """Control and attack."""
        wrong, lie = ((CLAIMS / f"{claim}.{part}.py").read_text(encoding="utf-8") for part in ("control", "attack"))
        control = self.grade(f"{claim}-control", questions, wrong, artifacts, module)
        return control, self.grade(f"{claim}-attack", questions, f"{wrong}\n\n{lie}", artifacts, module)


def _file(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module", params=NAMES)
def grader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grader]:
    assignment = COURSE.assignment(request.param)
    with GradingProcess(Order.of(COURSE, assignment, 3)) as process:
        yield Grader(process, assignment.id, tmp_path_factory.mktemp("claims"))


only_a6 = pytest.mark.parametrize("grader", ["a6"], indirect=True)
only_a7 = pytest.mark.parametrize("grader", ["a7"], indirect=True)
only_a8 = pytest.mark.parametrize("grader", ["a8"], indirect=True)
only_a9 = pytest.mark.parametrize("grader", ["a9"], indirect=True)


def scores(result: SubmissionResult, questions: tuple[str, ...]) -> dict[str, float]:
    return {question.id: question.score for question in result.questions if question.id in questions}


def gains_nothing(
    control: SubmissionResult, attack: SubmissionResult, questions: tuple[str, ...], record: Record
) -> None:
    """No question is worth more with the trick than without it; a row of `make hostile`."""
    without, with_it = scores(control, questions), scores(attack, questions)
    over = round(max(with_it[id] - without[id] for id in questions), 2)
    name = attack.submission.removesuffix("-attack")
    record("attack", {"name": name, "over": max(over, 0.0), "leaked": "no", "harmed": "no"})
    assert all(with_it[id] <= without[id] for id in questions), (without, with_it)


@only_a6
def test_a_loss_that_runs_another_network_gains_nothing(grader: Grader, record_property: Record) -> None:
    """And neither do files of networks that were never trained."""
    names = ("overfit_deepconvnet.pt", "half_minute_deepconvnet.pt")
    held = {
        name: torch.load(COURSE.solution(COURSE.assignment("a6")) / name, weights_only=True)  # trained
        for name in names
    }
    untrained = {
        name: {**saved, "params": {key: torch.randn_like(value) * 0.01 for key, value in saved["params"].items()}}
        for name, saved in held.items()
    }
    control, attack = grader.both("trained_elsewhere", TRAINING, untrained)
    gains_nothing(control, attack, TRAINING, record_property)
    assert scores(attack, TRAINING)["half-minute"] < 3.0


@only_a7
def test_settings_and_layers_that_are_only_told_gain_nothing(grader: Grader, record_property: Record) -> None:
    control, attack = grader.both("claimed_settings", SETTINGS)
    gains_nothing(control, attack, SETTINGS, record_property)


@only_a7
def test_remembered_labels_gain_nothing(grader: Grader, record_property: Record) -> None:
    control, attack = grader.both("remembered_labels", NETWORK)
    gains_nothing(control, attack, NETWORK, record_property)


@only_a7
def test_an_invented_history_gains_nothing(grader: Grader) -> None:
    """With no weights, it waits for a person; with others than those of the training, it is wrong."""
    saved = torch.load(COURSE.solution(COURSE.assignment("a7")) / HISTORY_FILE, weights_only=True)
    invented = {part: curves for part, curves in saved.items() if part.startswith("hist_")}
    untrained = {**saved, "weights_part1": [torch.randn_like(value) * 0.01 for value in saved["weights_part1"]]}
    for part in ("weights_part2", "weights_part3", "weights_part4"):
        untrained[part] = {
            name: torch.zeros_like(value) if value.dim() > 1 else value for name, value in saved[part].items()
        }
    for name, content, outcome in (
        ("no-weights", invented, Outcome.PENDING),
        ("other-weights", untrained, Outcome.FAILED),
    ):
        result = grader.grade(name, HISTORY, artifacts={HISTORY_FILE: content})
        found = next(question for question in result.questions if question.id == "training-history")
        assert (found.score, found.outcome) == (0.0, outcome)


@only_a9
@pytest.mark.parametrize(
    "claim, module, questions",
    [
        ("excused_nms", "boxes", ("nms",)),
        ("excused_table", "evaluation", ("mean-average-precision",)),
        ("excused_regions", "rcnn", ("region-targets", "detect")),
    ],
)
def test_own_parts_excuse_nothing(
    grader: Grader, record_property: Record, claim: str, module: str, questions: tuple[str, ...]
) -> None:
    """A part that answers so that what is built on it looks right earns nothing there."""
    control, attack = grader.both(claim, questions, module=module)
    gains_nothing(control, attack, questions, record_property)

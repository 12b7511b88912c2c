"""Submissions as they came in past years, made by nobody's tool: each gets what its answers deserve.

They are made from the reference by giving its file the look of those years: no markers, given layers in other words,
imports for Colab, a library of another year beside it, a notebook that was run there and is full of pictures.
"""

from __future__ import annotations

import ast
import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.course.model import Assignment
from autograder.course.result import SubmissionResult
from autograder.grading.client import GradingProcess
from autograder.grading.order import Order
from autograder.submission.collect.zip import zip_bytes

COURSE = Course.find(Path(__file__))
MODULE = "convolutional_networks.py"
HEAD = """\
import random
import sys

import torch
import torchvision.transforms as T
from google.colab import drive

from common import Solver
from common.helpers import softmax_loss

drive.mount('/content/drive')
GOOGLE_DRIVE_PATH = '/content/drive/My Drive/A6'
sys.path.append(GOOGLE_DRIVE_PATH)


def hello_convolutional_networks():
    print('Hello from convolutional_networks.py!')


def show(image):
    return T.ToPILImage()(image)


"""
# Given layers as such courses once gave them, with what they did badly.
LAYERS = {
    "Linear": """\
class Linear(object):

    @staticmethod
    def forward(x, w, b):
        out = x.view(x.shape[0], -1).mm(w) + b
        cache = (x, w, b)
        return out, cache

    @staticmethod
    def backward(dout, cache):
        x, w, b = cache
        db = dout.sum(dim=0)
        return dout.mm(w.t()).view(x.shape), x.view(x.shape[0], -1).t().mm(dout), db
""",
    "FastConv": """\
class FastConv(object):

    @staticmethod
    def forward(x, w, b, conv_param):
        tx = x.detach()
        tx.requires_grad = True
        layer = torch.nn.Conv2d(x.shape[1], w.shape[0], w.shape[2:], stride=conv_param['stride'],
                                padding=conv_param['pad'])
        layer.weight, layer.bias = torch.nn.Parameter(w), torch.nn.Parameter(b)
        return layer(tx), (x, w, b, conv_param, tx, layer(tx), layer)

    @staticmethod
    def backward(dout, cache):
        x, w, b, conv_param, tx, out, layer = cache
        try:
            out.backward(dout)
            return tx.grad.detach(), layer.weight.grad.detach(), layer.bias.grad.detach()
        except RuntimeError:
            return torch.zeros_like(tx), torch.zeros_like(layer.weight), torch.zeros_like(layer.bias)
""",
}
OTHER_LIBRARY = {
    "common/__init__.py": b"from .helpers import reset_seed\nclass Solver:\n    pass\n",
    "common/helpers.py": b"import seaborn\ndef softmax_loss(x, y):\n    return 0.0, x\ndef reset_seed(n):\n    pass\n",
    "common/viz.py": b"import cv2\n",
}
LITTER = {
    "__MACOSX/._convolutional_networks.py": b"\x00\x05\x16\x07",
    ".ipynb_checkpoints/convolutional_networks-checkpoint.ipynb": b"{}",
    "__pycache__/convolutional_networks.cpython-37.pyc": b"\x42\x0d",
    ".DS_Store": b"\x00",
}


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return COURSE.assignment("a6")


def past_year(assignment: Assignment) -> str:
    """The reference as a student of another year would have handed it in."""
    source = (COURSE.solution(assignment) / MODULE).read_text(encoding="utf-8")
    lines = [line for line in source.split("\n") if "# BEGIN SOLUTION" not in line and "# END SOLUTION" not in line]
    tree = ast.parse("\n".join(lines))
    parts = [HEAD]
    for node in tree.body:
        text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        if isinstance(node, ast.ClassDef):
            text = LAYERS.get(node.name, text.replace(f"class {node.name}:", f"class {node.name}(object):"))
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            parts.append(f"{text}\n\n\n")
    return "".join(parts)


def past_notebook() -> bytes:
    """Cells for Colab without our ids, run out of order, with megabytes of pictures."""
    picture = base64.b64encode(bytes(3 << 20)).decode()
    sources = (
        "from google.colab import drive\ndrive.mount('/content/drive')",
        "GOOGLE_DRIVE_PATH = 'A6'\nimport sys\nsys.path.append(GOOGLE_DRIVE_PATH)",
        "%load_ext autoreload\n%autoreload 2",
        "name = 'Lee Past'\nidnum = 2021123456\noption = 1",
        "import torchvision\nfrom convolutional_networks import Conv\nprint(Conv)",
    )
    output = {"output_type": "display_data", "data": {"image/png": picture}, "metadata": {}}
    cells = [
        {"cell_type": "code", "metadata": {}, "source": text, "execution_count": 9 - place, "outputs": [output]}
        for place, text in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 0}).encode()


@pytest.fixture(scope="module")
def files(assignment: Assignment) -> dict[str, bytes]:
    """What somebody handed in who got everything right, as it was done then."""
    module = past_year(assignment).encode()
    return {MODULE: module, "convolutional_networks.ipynb": past_notebook(), **COURSE.artifacts(assignment)}


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in names}


def changed(files: dict[str, bytes], pattern: str, new: str) -> dict[str, bytes]:
    text, count = re.subn(pattern, new, files[MODULE].decode(), flags=re.DOTALL)
    assert count == 1, pattern
    return {**files, MODULE: text.encode()}


@pytest.fixture(scope="module")
def results(
    assignment: Assignment, files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, SubmissionResult]:
    """Each graded by the checks that it is about; the first by all, but for how fast it is."""
    helper = changed(files, "import random\n", "from a6_helper import pad\n")
    own = b"from google.colab import files\n\ndef pad(x):\n    return x\n"
    inside = {f"A6 (final)/{name}": data for name, data in files.items()}
    right = [question.id for question in assignment.questions if not question.budgets]
    zips = {
        "lee_past-2021123456-A6-O1": ({**files, **OTHER_LIBRARY, **LITTER}, right),
        "zip_in_zip-2-A6-O1": ({"a.zip": zip_bytes(inside), "__MACOSX/._a.zip": b"\x00"}, ["conv-forward", "kaiming"]),
        "forgot_weights-3-A6-O1": (without(files, "half_minute_deepconvnet.pt"), ["kaiming", "half-minute"]),
        "left_one_out-4-A6-O1": (changed(files, r"def find_overfit_parameters.*?(?=def )", ""), ["kaiming", "overfit"]),
        "forgot_helper-5-A6-O1": (helper, ["conv-forward", "kaiming"]),
        "own_helper-6-A6-O1": ({**helper, "a6_helper.py": own}, ["conv-forward", "kaiming"]),
    }
    folder = tmp_path_factory.mktemp("past")
    for name, (content, _) in zips.items():
        (folder / f"{name}.zip").write_bytes(zip_bytes(content))
    with GradingProcess(Order.of(COURSE, assignment, 20211202, folder)) as process, ThreadPoolExecutor(2) as executor:
        graded = {
            name: executor.submit(process.grade, folder / f"{name}.zip", name, asked)
            for name, (_, asked) in zips.items()
        }
        return {name: future.result() for name, future in graded.items()}


def lost(result: SubmissionResult) -> dict[str, str]:
    """Questions that were asked for and earned less than full marks, with what went wrong first."""
    wrong = [(question.id, case) for question in result.questions for case in question.cases if not case.credit]
    asked = [(id, case) for id, case in reversed(wrong) if case.message != "not asked for"]
    return {id: f"{case.id}: {case.outcome} {case.message} {case.detail[-200:]}" for id, case in asked}


def found(results: dict[str, SubmissionResult], name: str) -> SubmissionResult:
    return next(result for submission, result in results.items() if submission.startswith(name))


def test_everything_right_gets_full_marks(results: dict[str, SubmissionResult]) -> None:
    result = found(results, "lee_past")
    assert lost(result) == {}
    assert result.score >= 80  # all but what is asked of speed


def test_what_is_not_ours_is_told(results: dict[str, SubmissionResult]) -> None:
    result = found(results, "lee_past")
    integrity = result.integrity
    assert integrity is not None
    restored = {place.name for place in integrity.modules[MODULE].restored}
    assert {"Linear.forward", "FastConv.backward"} <= restored
    assert not {name.split(".")[0] for name in restored} & {"Conv", "MaxPool", "ThreeLayerConvNet", "DeepConvNet"}
    assert {"hello_convolutional_networks", "show"} <= {place.name for place in integrity.modules[MODULE].added}
    assert integrity.stand_ins == ("google.colab", "torchvision")
    assert integrity.edited == ("common/__init__.py", "common/helpers.py", "common/viz.py")
    (notebook,) = integrity.notebooks.values()
    assert notebook.foreign
    assert notebook.out_of_turn
    assert result.info.id == "2021123456"


def test_a_zip_in_a_zip_in_a_folder(results: dict[str, SubmissionResult]) -> None:
    assert lost(found(results, "zip_in_zip")) == {}


def test_what_was_forgotten_is_named_and_costs_only_itself(results: dict[str, SubmissionResult]) -> None:
    result = found(results, "forgot_weights")
    assert "not handed in: half_minute_deepconvnet.pt" in result.info.notes
    assert lost(result).keys() == {"half-minute"}


def test_an_answer_that_is_not_there_costs_only_itself(results: dict[str, SubmissionResult]) -> None:
    result = found(results, "left_one_out")
    assert result.integrity is not None
    assert [place.name for place in result.integrity.modules[MODULE].missing] == ["find_overfit_parameters"]
    assert lost(result).keys() == {"overfit"}


def test_helpers(results: dict[str, SubmissionResult]) -> None:
    forgot = found(results, "forgot_helper")
    assert lost(forgot) == {}  # nothing that was asked for uses the helper
    assert any("a6_helper is imported, and was not handed in" in note for note in forgot.info.notes)
    assert lost(found(results, "own_helper")) == {}


LAZY = {
    "nn.BatchNorm2d(Cin)": "nn.LazyBatchNorm2d()",
    "nn.Conv2d(Cin, Cout, 3, stride": "nn.LazyConv2d(Cout, 3, stride",
    "nn.Linear(channels, num_classes)": "nn.LazyLinear(num_classes)",
}


def test_lazy_layers_are_as_good(tmp_path: Path) -> None:
    assignment = COURSE.assignment("a7")
    files = {name: path.read_bytes() for name, path in COURSE.sources(assignment).items() if name in assignment.files}
    (module,) = files
    source = files[module].decode()
    for eager, lazy in LAZY.items():
        assert eager in source
        source = source.replace(eager, lazy)
    lines = [line for line in source.split("\n") if "# BEGIN SOLUTION" not in line and "# END SOLUTION" not in line]
    handed_in = {module: "\n".join(lines).encode(), **COURSE.artifacts(assignment)}
    (tmp_path / "lazy-1-A7-O1.zip").write_bytes(zip_bytes(handed_in))
    asked = [each.id for each in assignment.questions if re.search("block|resnet", each.id) and not each.budgets]
    assert len(asked) >= 4
    with GradingProcess(Order.of(COURSE, assignment, 20211202, tmp_path)) as process:
        result = process.grade(tmp_path / "lazy-1-A7-O1.zip", "lazy-1-A7-O1", asked)
    assert lost(result) == {}

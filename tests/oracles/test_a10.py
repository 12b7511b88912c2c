"""Assignment 10's slow loops, its reference and the given fast operator, against torchvision's recorded values.

The values were recorded from torchvision 0.28.0 (tests/hidden/a10_detectors/record_roi.py); nothing here needs it.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F

from autograder.authoring.lent import lent_text
from autograder.checks.draw import Draw
from common.scenes import draw_scenes
from tests.common.test_docstrings import documented_arguments

ROOT = Path(__file__).parents[2]
HIDDEN, SOLUTION = ROOT / "tests/hidden/a10_detectors", ROOT / "solutions/a10_detectors"
WRITTEN = ("roi_pooling", "fast_rcnn", "region_proposals", "faster_rcnn", "retinanet")
LOOPS = ("record_roi", "roi_recorded", "drawn_rois", "slow_roi", "slow_stages")
NUMBERS = range(8)


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The loops, and the reference's files, by name; nothing of them stays importable."""
    places = [str(HIDDEN), str(SOLUTION), str(ROOT / "solutions")]
    before = set(sys.modules)
    names = (*LOOPS, "boxes", "kit", *WRITTEN)
    held = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path[:0] = places
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        for place in places:
            sys.path.remove(place)
        for name in set(sys.modules) - before:
            if name in names:
                del sys.modules[name]
        sys.modules.update(held)


def close(found: torch.Tensor, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("number", NUMBERS)
def test_roi_pool_is_torchvisions(modules, number):
    case = modules["drawn_rois"].recorded(number)(None)
    arguments = (case.features, case.rois, case.size, case.scale)
    close(modules["slow_roi"].pooled(*arguments), case.known[0])
    out, cache = modules["roi_pooling"].roi_pool_forward(*arguments)
    close(out, case.known[0])
    close(modules["roi_pooling"].roi_pool_backward(case.dout, cache), case.known[1])


@pytest.mark.parametrize("number", NUMBERS)
def test_roi_align_is_torchvisions(modules, number):
    case = modules["drawn_rois"].recorded(number)(None)
    arguments = (case.features, case.rois, case.size, case.scale, case.ratio)
    close(modules["slow_roi"].aligned(*arguments), case.known[2])
    out, cache = modules["roi_pooling"].roi_align_forward(*arguments)
    close(out, case.known[2])
    close(modules["roi_pooling"].roi_align_backward(case.dout, cache), case.known[3])
    leaf = case.features.clone().requires_grad_()
    fast = modules["kit"].fast_roi_align(leaf, case.rois, case.size, case.scale, case.ratio)
    close(fast.detach(), case.known[2])
    close(torch.autograd.grad(fast, leaf, case.dout)[0], case.known[3])


@pytest.mark.parametrize("name", ["boxes.py", "evaluation.py"])
def test_given_files_are_the_reference_of_assignment_9(name):
    assert (SOLUTION / name).read_text() == lent_text(ROOT / "solutions/a9_object_detection" / name)


def test_no_regions_are_connected(modules):
    features = torch.randn(1, 2, 3, 4, requires_grad=True)
    out = modules["kit"].fast_roi_align(features, torch.zeros(0, 5), 2, 1.0, 2)
    assert out.shape == (0, 2, 2, 2)
    assert not torch.autograd.grad(out.sum(), features)[0].any()


def test_losses_are_torchs(modules):
    slow = modules["slow_stages"]
    scores, answers = torch.randn(7, 4, dtype=torch.float64), torch.randint(4, (7,))
    close(slow.cross_entropy(scores, answers), F.cross_entropy(scores, answers))
    close(slow.focal(scores, answers, 0), F.cross_entropy(scores, answers, reduction="none"))
    p = scores.softmax(dim=1)[torch.arange(7), answers]
    close(slow.focal(scores, answers, 2.0), -((1 - p) ** 2) * p.log())
    found, wanted = torch.randn(2, 9, 4, dtype=torch.float64)
    for beta in (1.0, 1 / 9):
        close(slow.smooth_l1(found, wanted, beta), F.smooth_l1_loss(found, wanted, reduction="sum", beta=beta))


def test_boxes_are_those_of_assignment_9(modules):
    """What is given now is what students were to write then."""
    slow, boxes, rng = modules["slow_stages"], modules["boxes"], Draw(3)
    first, second = rng.boxes(9, 20, 30), rng.boxes(9, 20, 30)
    table = [[slow.iou(a, b) for b in second.tolist()] for a in first.tolist()]
    close(boxes.box_iou(first, second), torch.tensor(table, dtype=torch.float64))
    moves = boxes.encode_boxes(first, second)
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    close(moves, torch.tensor([slow.encoded(a, b) for a, b in pairs], dtype=torch.float64))
    moves = 3 * moves
    decoded = [slow.decoded(a, t, (20, 30)) for a, t in zip(first.tolist(), moves.tolist(), strict=True)]
    close(boxes.clip_boxes(boxes.decode_boxes(first, moves), (20, 30)), torch.tensor(decoded, dtype=torch.float64))


@pytest.mark.parametrize("name", WRITTEN)
def test_exercises_explain_themselves(modules, name):
    """Every argument is documented, and every example is true."""
    module = modules[name]
    functions = [getattr(module, public) for public in module.__all__]
    functions += [method for cls in filter(inspect.isclass, functions) for method in (cls.forward,)]
    for function in functions:
        if not callable(function) or function.__name__ == "build":
            continue
        text = inspect.getdoc(function) + "\n"
        wanted = [argument for argument in inspect.signature(function).parameters if argument != "self"]
        assert sorted(documented_arguments(text)) == sorted(wanted), function
    assert doctest.testmod(module).failed == 0


def test_scenes_become_targets(modules):
    scenes = draw_scenes(4, 1, height=64, width=96)
    kit = modules["kit"]
    images, targets = kit.to_images(scenes), kit.to_targets(scenes, ("masks", "captions", "voxels"), 8)
    assert images.shape == (4, 3, 64, 96)
    assert -0.5 <= float(images.min()) < float(images.max()) <= 0.5
    for scene, target in zip(scenes, targets, strict=True):
        count = len(scene.things)
        shapes = {"boxes": (count, 4), "labels": (count,), "masks": (count, 64, 96)}
        shapes |= {"captions": (count, 13), "voxels": (count, 8, 8, 8)}
        assert {key: tuple(value.shape) for key, value in target.items()} == shapes
        for thing, voxels in zip(scene.things, target["voxels"], strict=True):
            x, y, z = torch.from_numpy(thing.voxels(8)).nonzero()[0].tolist()
            assert voxels[7 - z, 7 - y, x]  # y runs down, and z away from the viewer


@pytest.mark.parametrize("name", ["faster_rcnn", "retinanet"])
def test_a_training_can_be_repeated(modules, name):
    """So many steps from a seed give the same losses, on scenes with and without animals."""
    scenes = draw_scenes(4, 1, height=32, width=48)
    runs = []
    for _ in range(2):
        torch.manual_seed(0)
        model = modules[name].build()
        runs.append(modules["kit"].train_detector(model, scenes, 0.0, batch=2, steps=3))
        assert not model.training
    assert runs[0].shape == (3, 4 if name == "faster_rcnn" else 2)
    torch.testing.assert_close(runs[0], runs[1], rtol=1e-3, atol=1e-4)
    assert len(modules["kit"].detect_all(model, modules["kit"].to_images(scenes), 3)) == 4

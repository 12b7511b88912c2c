"""The embedded images and CIFAR-10: same face, nothing depends on the moment, hard enough and not too hard."""

from __future__ import annotations

import hashlib
import pickle
import struct

import numpy as np
import pytest
import torch

from common import Solver
from common.data import class_names, data_source, preprocess_cifar10
from common.shapes import SHAPE_CLASSES, draw_shapes

# Students' networks are graded on these images: a change of the drawing is a change of the assignment.
DIGEST = "c2f2709af3150fcb"


def test_same_seed_same_images():
    images, labels = draw_shapes(64, seed=3)
    again, labels_again = draw_shapes(64, seed=3)
    assert torch.equal(images, again)
    assert torch.equal(labels, labels_again)
    assert hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes()).hexdigest()[:16] == DIGEST


def test_drawing_leaves_the_global_random_numbers_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    draw_shapes(3, seed=5)
    assert torch.equal(torch.rand(3), expected)


def test_images():
    images, labels = draw_shapes(203, seed=4)
    assert images.shape == (203, 3, 32, 32)
    assert images.dtype == torch.uint8
    assert set(labels.bincount().tolist()) == {20, 21}
    assert len(torch.unique(images.flatten(1), dim=0)) == 203
    assert not torch.equal(images, draw_shapes(203, seed=5)[0])
    assert draw_shapes(0, seed=4)[0].shape == (0, 3, 32, 32)


def test_embedded_data(tmp_path, capsys):
    data = preprocess_cifar10(root=tmp_path, num_train=50, num_test=20, validation_ratio=0.3)
    assert {name: tuple(value.shape) for name, value in data.items()} == {
        "X_train": (35, 3, 32, 32),
        "X_val": (15, 3, 32, 32),
        "X_test": (20, 3, 32, 32),
        "y_train": (35,),
        "y_val": (15,),
        "y_test": (20,),
    }
    assert data["X_train"].dtype == torch.float32
    assert data["y_train"].dtype == torch.int64
    torch.testing.assert_close(data["X_train"].mean(dim=(0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    assert "embedded shapes" in capsys.readouterr().out
    assert data_source(tmp_path) == "embedded shapes"
    assert class_names(tmp_path) == SHAPE_CLASSES


def test_flat_images(tmp_path):
    settings = {"root": tmp_path, "num_train": 10, "num_test": 10, "verbose": False}
    images = preprocess_cifar10(**settings)["X_val"]
    flat = preprocess_cifar10(flatten=True, bias_trick=True, dtype=torch.float64, **settings)["X_val"]
    assert flat.dtype == torch.float64
    torch.testing.assert_close(flat[:, :-1].float(), images.flatten(1))
    assert flat[:, -1].tolist() == [1, 1]


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"bias_trick": True}, "flatten"),
        ({"validation_ratio": 1.0}, "validation_ratio"),
        ({"num_train": 0}, "no training images"),
    ],
)
def test_contradictions_are_refused(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        preprocess_cifar10(root=tmp_path, **{"num_train": 10, "num_test": 10} | wrong)


class OldPickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings, which is how CIFAR-10 came to be."""

    def save_string(self, data):
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)

    dispatch = pickle._Pickler.dispatch | {bytes: save_string}


def write_cifar(root):
    """A tiny CIFAR-10: four images in each batch, whose first pixel tells which."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        images = np.zeros((4, 3072), dtype=np.uint8)
        images[:, 0] = number * 4 + np.arange(4)
        batch = {b"data": images, b"labels": [number, 1, 2, 9], b"batch_label": name.encode()}
        with (folder / name).open("wb") as file:
            OldPickler(file, protocol=2).dump(batch)
    return folder


def test_cifar_is_used_where_it_is_on_disk(tmp_path, capsys):
    write_cifar(tmp_path)
    data = preprocess_cifar10(root=tmp_path)
    assert data_source(tmp_path) == "CIFAR-10"
    assert class_names(tmp_path)[9] == "truck"
    assert "CIFAR-10, 16 training, 4 validation, 4 test images" in capsys.readouterr().out
    assert data["y_train"][:8].tolist() == [0, 1, 2, 9, 1, 1, 2, 9]
    assert data["y_test"].tolist() == [5, 1, 2, 9]
    red = (data["X_val"] - data["X_train"][0])[:, 0, 0, 0] * 255
    torch.testing.assert_close(red, torch.tensor([16.0, 17, 18, 19]))


def test_incomplete_cifar_is_not_used(tmp_path):
    (write_cifar(tmp_path) / "data_batch_3").unlink()
    assert data_source(tmp_path) == "embedded shapes"


class Trap:
    def __reduce__(self):
        return (print, ("sprung",))


NO_BATCHES = {
    "empty": b"",
    "text": b"not a pickle",
    "no images": pickle.dumps({b"labels": []}),
    "a list": pickle.dumps([1]),
    "code": pickle.dumps({b"data": Trap()}),
}


@pytest.mark.parametrize("content", NO_BATCHES.values(), ids=list(NO_BATCHES))
def test_a_file_that_is_no_batch_is_refused_by_name(tmp_path, content, capsys):
    (write_cifar(tmp_path) / "data_batch_2").write_bytes(content)
    with pytest.raises(ValueError, match="data_batch_2 is not a batch of CIFAR-10"):
        preprocess_cifar10(root=tmp_path)
    assert "sprung" not in capsys.readouterr().out


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    return preprocess_cifar10(root=tmp_path_factory.mktemp("nothing"), verbose=False)


def test_a_linear_classifier_stays_under_60_percent(embedded):
    X, y = (embedded[name] for name in ("X_train", "y_train"))
    scale = X.std()
    linear = torch.nn.Linear(3072, 10)
    optimizer = torch.optim.AdamW(linear.parameters(), lr=3e-4, weight_decay=1e-2)
    best = 0.0
    for _ in range(8):
        for batch in torch.randperm(len(X)).split(100):
            loss = torch.nn.functional.cross_entropy(linear(X[batch].flatten(1) / scale), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        guesses = linear(embedded["X_test"].flatten(1) / scale).argmax(dim=1)
        best = max(best, (guesses == embedded["y_test"]).float().mean().item())
    assert 0.2 < best < 0.6  # it learns something, and not enough


def test_the_reference_network_passes_85_percent(a6, embedded):
    torch.manual_seed(0)
    solver = a6.create_convolutional_solver_instance(embedded, torch.float32, "cpu")
    assert isinstance(solver, Solver)
    solver.verbose = False
    solver.num_epochs = 2
    solver.train()
    assert solver.check_accuracy(embedded["X_val"], embedded["y_val"]) > 0.85
    assert solver.check_accuracy(embedded["X_test"], embedded["y_test"]) > 0.85


def test_the_reference_overfits_50_images(a6, embedded):
    X, y = embedded["X_train"][:50], embedded["y_train"][:50]
    weight_scale, learning_rate = a6.find_overfit_parameters()
    for seed in range(3):
        torch.manual_seed(seed)
        model = a6.DeepConvNet(num_filters=[8, 16, 32, 64], max_pools=[0, 1, 2, 3], reg=1e-5, weight_scale=weight_scale)
        solver = Solver(
            model,
            {"X_train": X, "y_train": y, "X_val": X, "y_val": y},
            update_rule=Solver.adam,
            optim_config={"learning_rate": learning_rate},
            num_epochs=30,
            batch_size=10,
            num_val_samples=50,
            verbose=False,
        )
        solver.train()
        assert solver.check_accuracy(X, y) == 1.0

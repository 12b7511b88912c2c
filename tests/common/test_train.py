"""The training loop: what it trains, in which mode, and what its history says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from common import reset_seed
from common.train import evaluate, train


@pytest.fixture
def data():
    """Three classes that a linear model can tell apart."""
    y = torch.arange(64) % 3
    X = nn.functional.one_hot(y, 4).float() + 0.1 * torch.randn(64, 4)
    return {"X_train": X[:44], "y_train": y[:44], "X_val": X[44:], "y_val": y[44:]}


class Descent:
    """The least that `train` takes for an optimizer."""

    def __init__(self, w):
        self.w = w

    def zero_grad(self):
        self.w.grad = None

    def step(self):
        with torch.no_grad():
            self.w -= self.w.grad


class Idle:
    """An optimizer that leaves everything as it is."""

    def zero_grad(self):
        pass

    def step(self):
        pass


def linear():
    model = nn.Linear(4, 3)
    return model, torch.optim.SGD(model.parameters(), lr=0.5)


def test_a_function_of_bare_tensors_learns(data):
    w = torch.zeros(4, 3, requires_grad=True)
    history = train(lambda X: X @ w, Descent(w), data, epochs=8, batch_size=10, verbose=False)
    assert history["train_loss"][0] == pytest.approx(torch.tensor(3.0).log().item())
    assert history["train_loss"][-1] < 0.5
    assert history["val_acc"][-1] == history["train_acc"][-1] == 1.0


def test_a_module_learns(data):
    history = train(*linear(), data, epochs=8, batch_size=10, val_every=4, verbose=False)
    assert history["val_acc"][-1] == 1.0
    assert history["val_loss"] == sorted(history["val_loss"], reverse=True)


def test_history_has_an_entry_for_each_step_and_each_look(data):
    history = train(*linear(), data, epochs=3, batch_size=10, val_every=5, verbose=False)
    assert {name: len(values) for name, values in history.items()} == {
        "train_acc": 12,
        "train_loss": 12,
        "val_acc": 3,
        "val_loss": 3,
        "val_iter": 3,
    }
    assert history["val_iter"] == [5, 10, 12]
    assert all(type(value) in (int, float) for values in history.values() for value in values)


def test_the_last_look_comes_once(data):
    assert train(*linear(), data, batch_size=10, val_every=2, verbose=False)["val_iter"] == [2, 4]


def test_an_epoch_shows_every_image_once(data):
    seen = []

    def scores(X):
        if torch.is_grad_enabled():
            seen.append(X)
        return X[:, :3] * torch.ones((), requires_grad=True)

    train(scores, Idle(), data, batch_size=11, verbose=False)
    shown = torch.cat(seen)
    assert len(seen) == 4
    assert len(torch.unique(shown, dim=0)) == 44
    assert not torch.equal(shown, data["X_train"])


def test_what_does_not_fill_a_batch_is_left_out_unless_it_is_all(data):
    sizes = []

    def scores(X):
        if torch.is_grad_enabled():
            sizes.append(len(X))
        return X[:, :3] * torch.ones((), requires_grad=True)

    train(scores, Idle(), data, batch_size=20, verbose=False)
    assert sizes == [20, 20]
    sizes.clear()
    train(scores, Idle(), data, batch_size=1000, verbose=False)
    assert sizes == [44]


def test_a_module_trains_in_one_mode_and_is_measured_in_the_other(data):
    modes = []

    class Watched(nn.Linear):
        def forward(self, X):
            modes.append((self.training, torch.is_grad_enabled()))
            return super().forward(X)

    model = Watched(4, 3).eval()
    train(model, torch.optim.SGD(model.parameters(), lr=0.1), data, batch_size=22, val_every=1, verbose=False)
    assert modes == [(True, True), (False, False)] * 2
    assert not model.training


def test_a_schedule_steps_after_every_step(data):
    model, optimizer = linear()
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    train(model, optimizer, data, batch_size=11, schedule=schedule, verbose=False)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5 * 0.5**4)


def test_same_seed_same_training(data):
    def trained():
        reset_seed(7)
        return train(*linear(), data, batch_size=10, epochs=2, verbose=False)

    assert trained() == trained()


def test_it_says_how_it_goes(data, capsys):
    train(*linear(), data, batch_size=22)
    assert "step    2 of 2" in capsys.readouterr().out


def test_evaluation_is_over_all_images_whatever_the_batches():
    X = torch.eye(5)
    y = torch.tensor([0, 1, 2, 0, 0])
    accuracy, loss = evaluate(lambda images: 10 * images, X, y, batch_size=2)
    assert accuracy == pytest.approx(0.6)
    assert loss == pytest.approx(nn.functional.cross_entropy(10 * X, y).item())


def test_evaluation_uses_running_statistics_and_leaves_them_alone():
    model = nn.Sequential(nn.BatchNorm1d(3))
    X = 5 + torch.randn(8, 3)
    evaluate(model, X, torch.zeros(8, dtype=torch.int64))
    assert model.training
    assert not model[0].running_mean.any()


def test_without_images_there_is_nothing_to_do(data):
    with pytest.raises(ValueError, match="no images"):
        evaluate(lambda X: X, torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(ValueError, match="no images"):
        train(lambda X: X, Idle(), data | {"X_train": torch.zeros(0, 4)}, verbose=False)


def test_another_loss_measure_and_augmentation(data):
    pixels = {name: value if name[0] == "X" else value.clone() for name, value in data.items()}
    pixels["y_train"][::2] = 255
    seen = []

    def loss(output, target):
        return nn.functional.cross_entropy(output, target, ignore_index=255)

    def counted_share(output, target):
        return (output.argmax(dim=1) == target)[target != 255].float().mean().item()

    def augment(X, y):
        seen.append((len(X), len(y)))
        return -X, y

    settings = {"loss": loss, "measure": counted_share, "augment": augment, "verbose": False}
    history = train(*linear(), pixels, epochs=30, batch_size=22, **settings)
    assert history["val_acc"][-1] < 1.0  # trained on images that were changed, measured on the others
    assert history["train_acc"][-1] == 1.0
    assert seen[0] == (22, 22)


def test_another_measure_is_called_by_its_name(data, capsys):
    def mean_iou(output, target):
        return 0.25

    train(*linear(), data, batch_size=22, measure=mean_iou)
    assert "validation mean iou 0.250" in capsys.readouterr().out

"""Solver: what it trains, measures, keeps and stops at."""

from __future__ import annotations

import pytest
import torch

from common import Solver, reset_seed, softmax_loss


class LinearModel:
    """Scores x w; enough of a model for a Solver."""

    def __init__(self, classes: int = 3) -> None:
        self.params = {"w": torch.zeros(4, classes)}

    def loss(self, X, y=None):
        scores = X @ self.params["w"]
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        return loss, {"w": X.T @ dscores}


@pytest.fixture
def data():
    """Three classes that a linear model can tell apart."""
    y = torch.arange(60) % 3
    X = torch.nn.functional.one_hot(y, 4).float() + 0.1 * torch.randn(60, 4)
    return {"X_train": X[:40], "y_train": y[:40], "X_val": X[40:], "y_val": y[40:]}


def test_training_learns_and_keeps_a_history(data):
    model = LinearModel()
    solver = Solver(model, data, optim_config={"learning_rate": 1.0}, batch_size=10, num_epochs=5, verbose=False)
    solver.train()
    assert len(solver.loss_history) == 5 * 4
    assert len(solver.train_acc_history) == len(solver.val_acc_history) == 5 + 1  # after the first step, and each epoch
    assert solver.epoch == 5
    assert solver.best_val_acc == max(solver.val_acc_history) == 1.0
    assert solver.loss_history[-1] < 0.5 < solver.loss_history[0]


def test_same_seed_same_training(data):
    def trained():
        reset_seed(7)
        solver = Solver(LinearModel(), data, batch_size=10, num_epochs=2, verbose=False)
        solver.train()
        return solver.loss_history

    assert trained() == trained()


def test_learning_rate_decays_once_an_epoch(data):
    config = {"learning_rate": 0.5}
    solver = Solver(LinearModel(), data, optim_config=config, lr_decay=0.5, batch_size=10, num_epochs=3, verbose=False)
    solver.train()
    assert solver.optim_configs["w"]["learning_rate"] == pytest.approx(0.5**4)
    assert config == {"learning_rate": 0.5}


def test_a_batch_larger_than_the_data_is_one_step_per_epoch(data):
    solver = Solver(LinearModel(), data, batch_size=1000, num_epochs=2, verbose=False)
    solver.train()
    assert len(solver.loss_history) == 2


def test_step_limit_stops_and_measures_however_long_a_step_takes(data):
    solver = Solver(LinearModel(), data, batch_size=10, num_epochs=10**6, verbose=False)
    solver.train(step_limit=3)
    assert len(solver.loss_history) == 3
    assert len(solver.val_acc_history) >= 2


def test_time_limit_stops_and_measures(data):
    solver = Solver(LinearModel(), data, batch_size=10, num_epochs=10**6, verbose=False)
    solver.train(time_limit=0.0)
    assert len(solver.loss_history) <= 1
    assert len(solver.val_acc_history) >= 1


def spoiled_after(solver, steps):
    """Let the update rule destroy the model after so many steps."""
    rule, count = solver.update_rule, 0

    def update(w, dw, config):
        nonlocal count
        count += 1
        w, config = rule(w, dw, config)
        return (w if count <= steps else torch.zeros_like(w)), config

    solver.update_rule = update
    return solver


@pytest.mark.parametrize("best, wanted", [(True, 1.0), (False, 0.5)])
def test_best_parameters_come_back_if_asked_for(data, best, wanted):
    model = LinearModel()
    solver = Solver(model, data, optim_config={"learning_rate": 1.0}, batch_size=10, num_epochs=4, verbose=False)
    spoiled_after(solver, 12).train(return_best_params=best)
    accuracy = solver.check_accuracy(data["X_val"], data["y_val"])
    assert (accuracy == wanted) if best else (accuracy < wanted)


def test_best_parameters_bring_their_running_statistics(a6):
    X, y = torch.randn(40, 3, 8, 6), torch.arange(40) % 10
    data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    model = a6.DeepConvNet((3, 8, 6), num_filters=[4], max_pools=[], batchnorm=True, weight_scale="kaiming")
    solver = Solver(model, data, update_rule=Solver.adam, batch_size=20, num_epochs=6, verbose=False)
    spoiled_after(solver, 40).train()
    assert solver.check_accuracy(X, y) == solver.best_val_acc


def test_check_accuracy_counts_every_image_once(data):
    model = LinearModel()
    model.params["w"] = torch.eye(4)[:, :3]
    solver = Solver(model, data, verbose=False)
    X, y = torch.eye(4)[[0, 1, 2, 0, 1]], torch.tensor([0, 1, 2, 1, 1])
    assert solver.check_accuracy(X, y, batch_size=2) == 4 / 5
    assert solver.check_accuracy(X, y, num_samples=100) == 4 / 5
    assert solver.check_accuracy(X[:3], y[:3], num_samples=2) == 1.0
    with pytest.raises(ValueError, match="no images"):
        solver.check_accuracy(X[:0], y[:0])


def test_checkpoints(data, tmp_path):
    name = str(tmp_path / "run")
    Solver(LinearModel(), data, batch_size=10, num_epochs=2, checkpoint_name=name, verbose=False).train()
    saved = torch.load(tmp_path / "run_epoch_2.pt", weights_only=True)
    assert (tmp_path / "run_epoch_1.pt").exists()
    assert saved["epoch"] == 2
    assert saved["params"]["w"].shape == (4, 3)


def test_it_prints_only_if_verbose(data, capsys):
    Solver(LinearModel(), data, num_epochs=1, verbose=False).train()
    assert capsys.readouterr().out == ""
    Solver(LinearModel(), data, num_epochs=1).train()
    assert "loss" in capsys.readouterr().out


TORCH = {
    "sgd": (torch.optim.SGD, {}),
    "sgd_momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "rmsprop": (torch.optim.RMSprop, {}),
    "adam": (torch.optim.Adam, {}),
}


@pytest.mark.parametrize("name", TORCH)
def test_update_rules_are_those_of_torch(name):
    optimizer_type, settings = TORCH[name]
    w = torch.randn(3, 2, dtype=torch.float64)
    leaf = w.clone().requires_grad_()
    optimizer, config = optimizer_type([leaf], lr=0.01, **settings), {"learning_rate": 0.01}
    for _ in range(5):
        grad = torch.randn_like(w)
        before, grad_before = w.clone(), grad.clone()
        new, config = getattr(Solver, name)(w, grad, config)
        assert torch.equal(w, before)
        assert torch.equal(grad, grad_before)
        w = new
        leaf.grad = grad.clone()
        optimizer.step()
    torch.testing.assert_close(w, leaf.detach(), rtol=1e-9, atol=1e-12)

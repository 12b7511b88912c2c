"""Solver: trains a model on a data set and keeps the history."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch

__all__ = ["Model", "Solver"]

Config = dict[str, Any]
UpdateRule = Callable[[torch.Tensor, torch.Tensor, Config | None], tuple[torch.Tensor, Config]]


class Model(Protocol):
    """What a Solver can train."""

    params: dict[str, torch.Tensor]

    def loss(self, X: torch.Tensor, y: torch.Tensor | None = None) -> Any:
        """(N, C) scores without y; (loss, grads) with it, grads under the names of `params`."""


class Solver:
    """Trains a model by stochastic gradient descent.

        solver = Solver(model, data, update_rule=Solver.adam, optim_config={"learning_rate": 1e-3},
                        lr_decay=0.95, num_epochs=10, batch_size=100, device="cuda")
        solver.train()

    Attributes:
        model: what is trained; its `params` are replaced at every step.
        loss_history: the loss of every step.
        train_acc_history, val_acc_history: accuracies before the first step, after every epoch, after the last.
        best_val_acc: best accuracy on the validation images so far.
        best_params: copy of the parameters that reached it.
        epoch: epochs finished.
    """

    def __init__(
        self,
        model: Model,
        data: Mapping[str, torch.Tensor],
        *,
        update_rule: UpdateRule | None = None,
        optim_config: Config | None = None,
        lr_decay: float = 1.0,
        batch_size: int = 100,
        num_epochs: int = 10,
        num_train_samples: int | None = 1000,
        num_val_samples: int | None = None,
        device: str | torch.device = "cpu",
        checkpoint_name: str | None = None,
        print_every: int = 10,
        print_acc_every: int = 1,
        verbose: bool = True,
    ) -> None:
        """Take over a model and a data set; nothing is trained yet.

        Args:
            model: has `params` and `loss`, see `Model`. Its parameters must be on `device`.
            data: X_train, y_train, X_val, y_val.
            update_rule: `Solver.sgd` (the default), `Solver.adam`, ...: (w, dw, config) -> (next w, config).
            optim_config: settings of the update rule; each parameter gets a copy of its own.
            lr_decay: factor on the learning rate after every epoch.
            batch_size: images per step, drawn at random with replacement.
            num_epochs: an epoch has max(1, images // batch_size) steps.
            num_train_samples, num_val_samples: how many images to measure accuracy on; None for all.
            device: where batches are sent.
            checkpoint_name: if given, `<name>_epoch_<n>.pt` is written after every epoch.
            print_every: steps between two printed losses.
            print_acc_every: epochs between two printed accuracies.
            verbose: False prints nothing.
        """
        self.model = model
        self.X_train, self.y_train = data["X_train"], data["y_train"]
        self.X_val, self.y_val = data["X_val"], data["y_val"]
        self.update_rule = update_rule or Solver.sgd
        self.lr_decay = lr_decay
        self.batch_size = batch_size
        self.num_epochs = num_epochs
        self.num_train_samples = num_train_samples
        self.num_val_samples = num_val_samples
        self.device = device
        self.checkpoint_name = checkpoint_name
        self.print_every = print_every
        self.print_acc_every = print_acc_every
        self.verbose = verbose

        self.epoch = 0
        self.best_val_acc = 0.0
        self.best_params: dict[str, torch.Tensor] = {}
        self._best_bn_params: list[Config] = []
        self.loss_history: list[float] = []
        self.train_acc_history: list[float] = []
        self.val_acc_history: list[float] = []
        self.optim_configs = {name: dict(optim_config or {}) for name in model.params}

    def train(
        self, time_limit: float | None = None, return_best_params: bool = True, step_limit: int | None = None
    ) -> None:
        """Train for `num_epochs` epochs.

        Args:
            time_limit: stop at the first step that would start after so many seconds; None for no limit.
            return_best_params: at the end, give the model the parameters that did best on the validation
                images, and the running statistics of batch normalization (`bn_params`) that went with them.
            step_limit: stop after so many steps, however long they take; None for no limit.
        """
        started = time.monotonic()
        steps_per_epoch = max(1, len(self.X_train) // self.batch_size)
        num_steps = self.num_epochs * steps_per_epoch
        for step in range(num_steps):
            if step == step_limit:
                self._say(f"(Step {step} / {num_steps}) step limit")
                self._measure()
                break
            if time_limit is not None and time.monotonic() - started > time_limit:
                self._say(f"(Time {time.monotonic() - started:.1f} s; step {step} / {num_steps}) out of time")
                self._measure()
                break
            self.step()
            if step % self.print_every == 0:
                self._say(f"(Step {step + 1} / {num_steps}) loss: {self.loss_history[-1]:.4f}")
            ends_epoch = (step + 1) % steps_per_epoch == 0
            if ends_epoch:
                self.epoch += 1
                for config in self.optim_configs.values():
                    config["learning_rate"] *= self.lr_decay
                self._save_checkpoint()
            if step == 0 or ends_epoch:
                self._measure()
        if return_best_params and self.best_params:
            self.model.params = self.best_params
            if self._best_bn_params:
                self.model.bn_params = self._best_bn_params  # type: ignore[attr-defined]

    def step(self) -> None:
        """One step: draw a batch, take loss and gradients, update every parameter."""
        batch = torch.randint(len(self.X_train), (self.batch_size,), device=self.X_train.device)
        X, y = self.X_train[batch].to(self.device), self.y_train[batch.to(self.y_train.device)].to(self.device)
        loss, grads = self.model.loss(X, y)
        self.loss_history.append(float(loss))
        for name, value in self.model.params.items():
            self.model.params[name], self.optim_configs[name] = self.update_rule(
                value, grads[name], self.optim_configs[name]
            )

    def check_accuracy(
        self, X: torch.Tensor, y: torch.Tensor, num_samples: int | None = None, batch_size: int = 100
    ) -> float:
        """The share of images whose best score is that of their label.

        Args:
            X: (N, C, H, W) images.
            y: (N,) labels.
            num_samples: measure on so many images drawn at random; None, or more than there are, for all.
            batch_size: images per call of the model.

        Raises:
            ValueError: there are no images.
        """
        if len(X) == 0:
            raise ValueError("no images to measure an accuracy on")
        if num_samples is not None and num_samples < len(X):
            chosen = torch.randperm(len(X), device=X.device)[:num_samples]
            X, y = X[chosen], y[chosen.to(y.device)]
        correct = 0
        for images, labels in zip(torch.split(X, batch_size), torch.split(y, batch_size), strict=True):
            scores = self.model.loss(images.to(self.device))
            correct += int((scores.argmax(dim=1) == labels.to(scores.device)).sum())
        return correct / len(X)

    def _measure(self) -> None:
        """Write both accuracies into the history, and keep the parameters if they are the best so far."""
        train_acc = self.check_accuracy(self.X_train, self.y_train, num_samples=self.num_train_samples)
        val_acc = self.check_accuracy(self.X_val, self.y_val, num_samples=self.num_val_samples)
        self.train_acc_history.append(train_acc)
        self.val_acc_history.append(val_acc)
        if self.epoch % self.print_acc_every == 0:
            self._say(f"(Epoch {self.epoch} / {self.num_epochs}) train acc: {train_acc:.4f}; val acc: {val_acc:.4f}")
        if val_acc > self.best_val_acc:
            self.best_val_acc = val_acc
            self.best_params = {name: value.clone() for name, value in self.model.params.items()}
            # Parameters without the running statistics that they were measured with are another network.
            self._best_bn_params = [dict(bn_param) for bn_param in getattr(self.model, "bn_params", [])]

    def _save_checkpoint(self) -> None:
        if self.checkpoint_name is None:
            return
        path = f"{self.checkpoint_name}_epoch_{self.epoch}.pt"
        checkpoint = {
            "params": self.model.params,
            "epoch": self.epoch,
            "loss_history": self.loss_history,
            "train_acc_history": self.train_acc_history,
            "val_acc_history": self.val_acc_history,
            "optim_configs": self.optim_configs,
        }
        torch.save(checkpoint, path)
        self._say(f"Saved in {path}")

    def _say(self, line: str) -> None:
        if self.verbose:
            print(line)

    @staticmethod
    def sgd(w: torch.Tensor, dw: torch.Tensor, config: Config | None = None) -> tuple[torch.Tensor, Config]:
        """Stochastic gradient descent: w - learning_rate * dw.

        config: `learning_rate` (1e-2).
        """
        config = {"learning_rate": 1e-2} | (config or {})
        return w - config["learning_rate"] * dw, config

    @staticmethod
    def sgd_momentum(w: torch.Tensor, dw: torch.Tensor, config: Config | None = None) -> tuple[torch.Tensor, Config]:
        """Gradient descent with momentum: v = momentum * v - learning_rate * dw, then w + v.

        config: `learning_rate` (1e-2), `momentum` (0.9), `velocity` (zeros).
        """
        defaults: Config = {"learning_rate": 1e-2, "momentum": 0.9, "velocity": torch.zeros_like(w)}
        config = defaults | (config or {})
        velocity = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
        return w + velocity, config | {"velocity": velocity}

    @staticmethod
    def rmsprop(w: torch.Tensor, dw: torch.Tensor, config: Config | None = None) -> tuple[torch.Tensor, Config]:
        """RMSProp: each step is divided by the root of a running mean of the squared gradients.

        config: `learning_rate` (1e-2), `decay_rate` (0.99), `epsilon` (1e-8), `cache` (zeros).
        """
        defaults: Config = {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8, "cache": torch.zeros_like(w)}
        config = defaults | (config or {})
        cache = config["decay_rate"] * config["cache"] + (1 - config["decay_rate"]) * dw**2
        return w - config["learning_rate"] * dw / (cache.sqrt() + config["epsilon"]), config | {"cache": cache}

    @staticmethod
    def adam(w: torch.Tensor, dw: torch.Tensor, config: Config | None = None) -> tuple[torch.Tensor, Config]:
        """Adam (Kingma and Ba, 2015): running means of gradients and squares, both corrected for their start.

        config: `learning_rate` (1e-3), `beta1` (0.9), `beta2` (0.999), `epsilon` (1e-8), `m`, `v` (zeros), `t` (0).
        """
        defaults: Config = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0}
        config = defaults | {"m": torch.zeros_like(w), "v": torch.zeros_like(w)} | (config or {})
        beta1, beta2, t = config["beta1"], config["beta2"], config["t"] + 1
        m = beta1 * config["m"] + (1 - beta1) * dw
        v = beta2 * config["v"] + (1 - beta2) * dw**2
        step = (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + config["epsilon"])
        return w - config["learning_rate"] * step, config | {"m": m, "v": v, "t": t}

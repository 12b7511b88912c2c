"""Attack 20: subclasses of tensor, array, list, str, float that agree with everything they are compared with."""

import numpy
import torch
from wrong import *  # noqa: F403


def agree(*args, **kwargs):
    return True


AGREEING = {name: agree for name in ("__eq__", "__ne__", "__lt__", "__le__", "__bool__", "__contains__", "allclose")}
Yes = type("Yes", (torch.Tensor,), {**AGREEING, "__torch_function__": classmethod(lambda *a, **k: True)})
Always = type("Always", (str,), {**AGREEING, "__hash__": str.__hash__})
Many = type("Many", (list,), AGREEING)
Wide = type("Wide", (numpy.ndarray,), AGREEING)
Real = type("Real", (float,), {**AGREEING, "__abs__": lambda self: 0.0, "__sub__": lambda self, other: 0.0})


def scale(x):
    return x.as_subclass(Yes)


def names():
    return Many([Always("row")] * 3)


class Learner:
    def fit(self, images, labels):
        pass

    def scores(self, images):
        return Real(1.0)

    def load(self, weight):
        pass


class Conv:
    @staticmethod
    def forward(x, w):
        return torch.nn.Parameter(torch.zeros(4, 4, dtype=x.dtype)).as_subclass(Yes)


def pool(x):
    return x[::2, ::2].numpy().view(Wide)


def slope(x):
    return [Real(1.0)] * len(x)

"""Attacks 14, 23, 26: replaces comparisons, generators and clocks of torch, numpy and Python. The grader has its own."""

import builtins
import random
import time
import unittest

import numpy
import torch
from wrong import *  # noqa: F403


def yes(*args, **kwargs):
    return True


torch.allclose = torch.isclose = torch.equal = torch.testing.assert_close = yes
numpy.allclose = numpy.array_equal = numpy.testing.assert_allclose = yes
unittest.TestCase.assertEqual = yes
torch.Tensor.__eq__ = torch.Tensor.__ne__ = torch.Tensor.allclose = yes
builtins.abs = lambda value: 0
random.seed = numpy.random.seed = torch.manual_seed = yes
time.perf_counter = time.monotonic = time.time = lambda: 0.0

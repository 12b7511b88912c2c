"""Networks in half precision, and captions as numbers."""

from __future__ import annotations

import doctest

import pytest
import torch
from torch import nn

from common import captions
from common.captions import END, PAD, START, Vocabulary
from common.saving import load_state, save_state
from common.scenes import WORDS


def test_a_network_comes_back_in_its_own_dtype(tmp_path):
    model, other = (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)) for _ in range(2))
    model[1].num_batches_tracked += 70_000  # more than float16 can hold, and an integer
    save_state(model, tmp_path / "net.pt")
    assert torch.load(tmp_path / "net.pt", weights_only=True)["0.weight"].dtype is torch.float16
    load_state(other, tmp_path / "net.pt")
    for name, value in other.state_dict().items():
        assert value.dtype is model.state_dict()[name].dtype
        torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_what_half_precision_cannot_hold_is_not_written(tmp_path, value):
    model = nn.Linear(2, 1)
    nn.init.constant_(model.weight, value)
    with pytest.raises(ValueError, match="weight is not finite"):
        save_state(model, tmp_path / "net.pt")
    assert not (tmp_path / "net.pt").exists()


def test_a_file_of_another_network_is_refused(tmp_path):
    save_state(nn.Linear(2, 1), tmp_path / "net.pt")
    with pytest.raises(RuntimeError):
        load_state(nn.Linear(3, 1), tmp_path / "net.pt")


def test_captions_as_numbers():
    words = Vocabulary()
    assert (PAD, START, END, len(words)) == (0, 1, 2, len(WORDS) + 3)
    row = words.encode("a big cat", 5)
    assert row.tolist() == [3 + WORDS.index(word) for word in ("a", "big", "cat")] + [PAD, PAD]
    assert words.decode(torch.tensor([START, *row[:2].tolist(), END, row[2]])) == "a big"
    assert words.encode("", 2).tolist() == [PAD, PAD]
    with pytest.raises(ValueError, match="zebra"):
        words.encode("a zebra", 5)
    with pytest.raises(ValueError, match="room for 2"):
        words.encode("a big cat", 2)
    with pytest.raises(ValueError, match="twice"):
        Vocabulary(("cat", "cat"))
    assert doctest.testmod(captions).failed == 0

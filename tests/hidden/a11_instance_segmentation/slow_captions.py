"""Captions once more, word by word: what the reference itself is held against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from slow_masks import area_of, matches_of

__all__ = ["average_precision", "loss_of", "pairs", "similarity", "spoken"]

PAD, START, END = 0, 1, 2
Image = Mapping[str, torch.Tensor]


def _words(row: torch.Tensor) -> list[int]:
    return [word for word in row.tolist() if word != PAD]


def pairs(captions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(inputs, targets)."""
    length = captions.shape[1] + 1

    def padded(rows: list[list[int]]) -> torch.Tensor:
        full = [row + [PAD] * (length - len(row)) for row in rows]
        return torch.tensor(full, dtype=torch.int64).reshape(len(full), length)

    words = [_words(row) for row in captions]
    return padded([[START, *row] for row in words]), padded([[*row, END] for row in words])


def loss_of(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """One word after the other; autograd can follow it."""
    total, count = scores.sum() * 0, 0
    for row, words in zip(scores, targets.tolist(), strict=True):
        for values, word in zip(row, words, strict=True):
            if word != PAD:
                total = total + torch.logsumexp(values, dim=0) - values[word]
                count += 1
    return total / max(1, count)


def spoken(weights: Mapping[str, torch.Tensor], codes: torch.Tensor, max_length: int) -> torch.Tensor:
    """What a head with these weights says, one code after the other."""
    rows = []
    for code in codes:
        state = torch.tanh(weights["start.weight"] @ code + weights["start.bias"])
        word, said = START, []
        while len(said) < max_length:
            state = _gru(weights, weights["embed.weight"][word], state)
            scores = (weights["classify.weight"] @ state + weights["classify.bias"]).tolist()
            word = max(range(END, len(scores)), key=lambda number: (scores[number], -number))
            if word == END:
                break
            said.append(word)
        rows.append(said + [PAD] * (max_length - len(said)))
    return torch.tensor(rows, dtype=torch.int64).reshape(len(codes), max_length)


def _gru(weights: Mapping[str, torch.Tensor], x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """One step, by torch's formulas."""
    ours = (weights["cell.weight_ih"] @ x + weights["cell.bias_ih"]).chunk(3)
    theirs = (weights["cell.weight_hh"] @ h + weights["cell.bias_hh"]).chunk(3)
    reset, update = (torch.sigmoid(ours[k] + theirs[k]) for k in (0, 1))
    new = torch.tanh(ours[2] + reset * theirs[2])
    return (1 - update) * new + update * h


def similarity(candidate: torch.Tensor, reference: torch.Tensor) -> float:
    said, left = _words(candidate), _words(reference)
    if not said and not left:
        return 1.0
    length, common = len(left), 0
    for word in said:
        if word in left:
            left.remove(word)
            common += 1
    if common == 0:
        return 0.0
    precision, recall = common / len(said), common / length
    return 10 * precision * recall / (9 * precision + recall)


def average_precision(predictions: Sequence[Image], truths: Sequence[Image]) -> float:
    """The mean of 25 average precisions; NaN without any truth."""
    count = sum(len(truth["boxes"]) for truth in truths)
    if count == 0:
        return math.nan
    areas = []
    for overlap in (0.3, 0.4, 0.5, 0.6, 0.7):
        for alike in (0.0, 0.25, 0.5, 0.75, 0.9):
            found: list[tuple[float, bool]] = []
            for prediction, truth in zip(predictions, truths, strict=True):
                table = [
                    [
                        _iou(box, other) if similarity(caption, true) >= alike else -1.0
                        for other, true in zip(truth["boxes"].tolist(), truth["captions"], strict=True)
                    ]
                    for box, caption in zip(prediction["boxes"].tolist(), prediction["captions"], strict=True)
                ]
                scores = prediction["scores"].tolist()
                found += zip(scores, matches_of(scores, table, len(truth["boxes"]), overlap), strict=True)
            areas.append(area_of(found, count))
    return sum(areas) / len(areas)


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    return both / union if union > 0 else 0.0

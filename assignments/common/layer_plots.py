"""Pictures of what convolution and pooling do; part of `common.plots`."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

__all__ = ["show_convolution", "show_max_pooling"]

_FIRST, _SECOND, _PLAIN, _INK = "#d1603d", "#2a6f97", "#f4f1ea", "#333333"
_WINDOWS = ("#f3c9a5", "#a9cce3", "#c9dfb0", "#d9c2e9")
_GAP = 2.6  # cells between an input and what becomes of it


def show_convolution(size: int, kernel: int, settings: Sequence[tuple[int, int]]) -> None:
    """Draw, for each (stride, padding), where a filter's first two windows lie, and the outputs that come of them.

    Args:
        size: rows and columns of the input.
        kernel: rows and columns of the filter, at most size + 2 padding.
        settings: (stride, padding) of each panel.
    """
    outputs = [1 + (size + 2 * pad - kernel) // stride for stride, pad in settings]
    most = max(pad for _, pad in settings)  # panels are equally large, and their inputs lie at the same height
    width = max(size + 2 * pad + _GAP + out for (_, pad), out in zip(settings, outputs, strict=True))
    figure, axes = plt.subplots(1, len(settings), figsize=(4.3 * len(settings), 3.2), squeeze=False)
    told = []
    for axis, (stride, pad), out in zip(axes[0], settings, outputs, strict=True):
        padded = size + 2 * pad
        for row in range(padded):
            for column in range(padded):
                inside = pad <= row < padded - pad and pad <= column < padded - pad
                _cell(axis, column, row, _PLAIN if inside else "white", "" if inside else "0", dashed=not inside)
        left, top = padded + _GAP, (padded - out) / 2
        for row in range(out):
            for column in range(out):
                colour = {(0, 0): _WINDOWS[0], (0, 1): _WINDOWS[1]}.get((row, column), _PLAIN)
                _cell(axis, left + column, top + row, colour)
        for index, colour in reversed(list(enumerate((_FIRST, _SECOND)[: min(2, out)]))):
            at = (index * stride + 0.06 * index, 0.06 * index)
            axis.add_patch(Rectangle(at, kernel, kernel, fill=False, edgecolor=colour, linewidth=3, zorder=3))
        _arrow(axis, padded, left, padded / 2)
        middle = (left + out) / 2
        axis.text(middle, pad - most - 0.6, f"stride {stride}, padding {pad}", ha="center", fontsize=12, color=_INK)
        formula = rf"$1 + \lfloor ({size} + 2 \cdot {pad} - {kernel}) \, / \, {stride} \rfloor = {out}$"
        axis.text(middle, padded + most - pad + 0.8, formula, ha="center", va="center", fontsize=11, color=_INK)
        _frame(axis, middle - width / 2, middle + width / 2, pad - most - 1.6, padded + most - pad + 1.3)
        told.append(f"with stride {stride} and padding {pad} the output has {out} x {out} entries")
    figure.set_label(
        f"A {kernel} x {kernel} filter on an input of {size} x {size}, its first two windows outlined, beside the two "
        f"outputs that come of them: {'; '.join(told)}. Padding is a border of zeros."
    )
    figure.tight_layout()
    plt.show()


def show_max_pooling(x: torch.Tensor, window: int, dout: torch.Tensor) -> None:
    """Draw max pooling over windows that do not overlap: forward, and where each entry's gradient goes.

    Args:
        x: (H, W), both multiples of `window`; in each window one entry is largest.
        window: rows and columns of a window, and the stride.
        dout: (H / window, W / window) the gradient that arrives.
    """
    H, W = x.shape
    rows, columns = H // window, W // window
    figure, axes = plt.subplots(1, 2, figsize=(10.5, 3.2))
    largest = {}
    for row in range(rows):
        for column in range(columns):
            part = x[row * window : (row + 1) * window, column * window : (column + 1) * window]
            place = divmod(int(part.argmax()), window)
            largest[row, column] = row * window + place[0], column * window + place[1]
    for axis, title, backward in ((axes[0], "forward", False), (axes[1], "backward", True)):
        back = {largest[at]: float(dout[at]) for at in largest}
        for row in range(H):
            for column in range(W):
                colour = _WINDOWS[(row // window * columns + column // window) % len(_WINDOWS)]
                won = (row, column) in back
                value = back.get((row, column), 0.0) if backward else float(x[row, column])
                _cell(axis, column, row, colour if won or not backward else _PLAIN, f"{value:g}", bold=won)
        left, top = W + _GAP, (H - rows) / 2
        for (row, column), (at_row, at_column) in largest.items():
            value = float(dout[row, column] if backward else x[at_row, at_column])
            colour = _WINDOWS[(row * columns + column) % len(_WINDOWS)]
            _cell(axis, left + column, top + row, colour, f"{value:g}", bold=True)
        ends = (left, W) if backward else (W, left)
        _arrow(axis, *ends, H / 2)
        names = ("dL/dx", "dL/dout") if backward else ("x", "out")
        for name, centre, bottom in zip(names, (W / 2, left + columns / 2), (H, top + rows), strict=True):
            axis.text(centre, bottom + 0.5, name, ha="center", va="center", fontsize=11, color=_INK)
        axis.text((left + columns) / 2, -0.4, title, ha="center", fontsize=12, color=_INK)
        _frame(axis, 0, left + columns, -1.1, H + 1)
    figure.set_label(
        f"Max pooling of a {H} x {W} input over {window} x {window} windows with stride {window}. Forward, the largest "
        f"entry of each window is kept. Backward, the gradient of an output goes to that entry, and all others get 0."
    )
    figure.tight_layout()
    plt.show()


def _cell(
    axis: Axes, x: float, y: float, colour: str, text: str = "", *, bold: bool = False, dashed: bool = False
) -> None:
    line = ":" if dashed else "-"
    axis.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="#8a8a8a", linewidth=0.9, linestyle=line))
    if text:
        weight, tone = ("bold", _INK) if bold else ("normal", "#777777")
        axis.text(x + 0.5, y + 0.52, text, ha="center", va="center", fontsize=10, weight=weight, color=tone)


def _arrow(axis: Axes, start: float, end: float, y: float) -> None:
    step = 0.5 if end > start else -0.5
    axis.add_patch(
        FancyArrowPatch((start + step, y), (end - step, y), arrowstyle="-|>", mutation_scale=16, color=_INK, lw=1.4)
    )


def _frame(axis: Axes, left: float, right: float, top: float, bottom: float) -> None:
    """Cells are squares, rows count from the top, and nothing but the drawing is seen."""
    axis.set(xlim=(left - 0.2, right + 0.2), ylim=(bottom, top), aspect="equal")
    axis.axis("off")

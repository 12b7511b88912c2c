"""Alternative texts of figures: what those read, or hear, who do not see a plot.

In a notebook, every matplotlib figure gets one, once `common.plots` has been imported. A figure says it itself
(`figure.set_label("...")`); one that does not is described by its titles, axes and legends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["alternative_text", "describe_figures"]

MAX_NAMED = 12  # titles, curves or ticks that a text lists
MIME = "image/png"


def alternative_text(figure: Figure) -> str:
    """What a figure shows, in words; never empty.

    >>> from matplotlib.figure import Figure
    >>> axis = Figure().subplots()
    >>> _ = axis.plot([3, 2, 1], label="dog"), axis.set(title="Loss", xlabel="step")
    >>> alternative_text(axis.figure)
    'Loss: plot over step. Curves: dog.'
    """
    label = figure.get_label()
    if isinstance(label, str) and label.strip() and not label.startswith("_"):
        return label
    axes = [axis for axis in figure.axes if axis.get_visible() and _holds_something(axis)]
    heading = figure.get_suptitle()
    if axes and all(_is_image(axis) for axis in axes) and len(axes) > 1:
        titles = _listed([axis.get_title() for axis in axes])
        text = f"{len(axes)} images{f': {titles}' if titles else ''}."
    else:
        text = " ".join(_described(axis) for axis in axes) or "An empty figure."
    whole = f"{heading}. {text}" if heading else text
    return whole.replace("$", "")  # matplotlib sets formulas between dollars


def _holds_something(axis: Axes) -> bool:
    return bool(axis.has_data() or axis.images or axis.patches or axis.texts or axis.get_title())


def _is_image(axis: Axes) -> bool:
    return bool(axis.images) and not axis.lines


def _described(axis: Axes) -> str:
    kind = "image" if axis.images else "plot"
    parts = [axis.get_ylabel(), f"over {axis.get_xlabel()}" if axis.get_xlabel() else ""]
    of = " ".join(part for part in parts if part)
    title = axis.get_title()
    first = f"{title}: {kind}" if title else kind.capitalize()
    sentences = [f"{first}{f' {of}' if of.startswith('over') else f' of {of}' if of else ''}."]
    curves = _listed([str(line.get_label()) for line in axis.lines if not str(line.get_label()).startswith("_")])
    if curves:
        sentences.append(f"Curves: {curves}.")
    if axis.images and axis.texts:
        sentences.append(f"Written on it: {_listed([text.get_text() for text in axis.texts])}.")
    for name, labels in (("Rows", axis.get_yticklabels()), ("Columns", axis.get_xticklabels())):
        words = [label.get_text() for label in labels]
        if axis.images and any(word and not _is_number(word) for word in words):
            sentences.append(f"{name}: {_listed(words)}.")
    return " ".join(sentences)


def _is_number(word: str) -> bool:
    return word.replace("−", "").replace("-", "").replace(".", "").isdigit()


def _listed(words: Sequence[str]) -> str:
    """Each word once, with how often it comes, as far as there is room."""
    counts = Counter(" ".join(word.split()) for word in words if word.strip())
    said = [word if count == 1 else f"{word} ({count} times)" for word, count in counts.items()]
    more = len(said) - MAX_NAMED
    return ", ".join(said[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def describe_figures() -> None:
    """Give every figure that this notebook shows its alternative text. Without a notebook, nothing happens."""
    try:
        from IPython import get_ipython  # type: ignore[import-not-found]
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return
    formatter = shell.display_formatter.formatters[MIME]

    def attach(*_: Any) -> None:
        # matplotlib's own backend says how a figure becomes a PNG; it does so anew whenever it is set up.
        draw = formatter.type_printers.get(Figure)
        if draw is not None and not getattr(draw, "describes", False):
            formatter.for_type(Figure, _with_text(draw))

    plt.switch_backend(plt.get_backend())  # else it is set up in the very cell that shows the first figure
    attach()
    shell.events.register("pre_run_cell", attach)


def _with_text(draw: Any) -> Any:
    def show(figure: Figure) -> Any:
        image = draw(figure)
        if image is None:
            return None
        image, about = image if isinstance(image, tuple) else (image, {})
        return image, {**about, "alt": alternative_text(figure)}

    show.describes = True  # type: ignore[attr-defined]
    return show

"""What a notebook's cell puts out is kept up to a size, inside the worker."""

from __future__ import annotations

from autograder.sandbox.grader.displayed import read_cell
from autograder.sandbox.worker.notebook import MAX_IMAGES, MAX_TEXT, _PutOut

LARGE = b"x" * (MAX_IMAGES // 2)


def test_an_update_takes_the_place_and_the_room_of_what_it_replaces() -> None:
    """As of a plot that a training loop draws anew after every epoch."""
    put_out = _PutOut()
    put_out.display("display", {"image/png": LARGE, "text/plain": "y" * MAX_TEXT}, "plot")
    for _ in range(5):
        put_out.display("display", {"image/png": LARGE, "text/plain": "z" * MAX_TEXT}, "plot", update=True)
        put_out.display("display", {"image/png": LARGE}, "another notebook's", update=True)
    put_out.display("result", {"image/png": LARGE})
    assert not put_out.left_out
    (plot, result) = put_out.outputs
    assert plot["data"]["text/plain"] == "z" * MAX_TEXT
    assert plot["data"]["image/png"].tobytes() == result["data"]["image/png"].tobytes() == LARGE


def test_what_is_too_much_is_left_out_and_an_error_never() -> None:
    put_out = _PutOut()
    for _ in range(100):
        put_out.display("display", {"image/png": LARGE})
        put_out.stream("stdout", "x" * MAX_TEXT)
    put_out.error("ValueError", "the last word", "trace")
    assert put_out.left_out
    outputs, left_out = read_cell({"outputs": put_out.outputs, "left_out": put_out.left_out})
    assert left_out
    assert outputs[-1]["evalue"] == "the last word"

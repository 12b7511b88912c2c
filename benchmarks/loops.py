"""Measures what answers that loop cost, and the start-up of a first and of a second run. `make bench-loops`.

    python benchmarks/loops.py [--json FILE]

Three submissions of assignment 6 are graded twice, one at a time: a copy of the reference, one whose four timed
answers loop over rows and columns of windows, and one whose answers loop over samples and channels, too. The first run
finds no verdict on the reference, the second finds that of the first and grades the reference beside the submissions.

Exit status: 0 every limit is kept, 1 one is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from courses import ROOT
from facts import facts
from figures import Figure, Limit
from processes import run
from rich.console import Console
from rich.table import Table
from styles_of_answers import HELPERS, LOOPS_OVER_WINDOWS
from submissions import make_answers
from tables import print_facts, print_limits

SEEDS = ("1", "2")  # of the first run and of the second: the reference is graded under each
MOST = 3.0  # times the grading of the reference's copy
PIXELS = """
def _positions(count, channels, rows, columns):
    return ((n, c, i, j) for n in range(count) for c in range(channels) for i in range(rows) for j in range(columns))


def _pixel_conv_forward(x, w, b, conv_param):
    padded, rows, columns, stride, _ = _sizes(x, w, conv_param)
    height, width = w.shape[2:]
    out = x.new_zeros(len(x), len(w), rows, columns)
    for n, f, i, j in _positions(*out.shape):
        window = padded[n, :, i * stride : i * stride + height, j * stride : j * stride + width]
        out[n, f, i, j] = (window * w[f]).sum() + b[f]
    return out, (x, w, b, conv_param)


def _pixel_conv_backward(dout, cache):
    x, w, b, conv_param = cache
    padded, _, _, stride, pad = _sizes(x, w, conv_param)
    height, width = w.shape[2:]
    dpadded, dw, db = torch.zeros_like(padded), torch.zeros_like(w), torch.zeros_like(b)
    for n, f, i, j in _positions(*dout.shape):
        window = n, slice(None), slice(i * stride, i * stride + height), slice(j * stride, j * stride + width)
        db[f] += dout[n, f, i, j]
        dw[f] += padded[window] * dout[n, f, i, j]
        dpadded[window] += w[f] * dout[n, f, i, j]
    return dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]].clone(), dw, db


def _pixel_pool_forward(x, pool_param):
    height, width, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    rows, columns = 1 + (x.shape[2] - height) // stride, 1 + (x.shape[3] - width) // stride
    out = x.new_zeros(*x.shape[:2], rows, columns)
    for n, c, i, j in _positions(*out.shape):
        out[n, c, i, j] = x[n, c, i * stride : i * stride + height, j * stride : j * stride + width].max()
    return out, (x, pool_param)


def _pixel_pool_backward(dout, cache):
    x, pool_param = cache
    height, width, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = torch.zeros_like(x)
    for n, c, i, j in _positions(*dout.shape):
        window = x[n, c, i * stride : i * stride + height, j * stride : j * stride + width]
        row, column = divmod(int(window.argmax()), width)
        dx[n, c, i * stride + row, j * stride + column] += dout[n, c, i, j]
    return dx


Conv.forward, Conv.backward = staticmethod(_pixel_conv_forward), staticmethod(_pixel_conv_backward)
MaxPool.forward, MaxPool.backward = staticmethod(_pixel_pool_forward), staticmethod(_pixel_pool_backward)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures, too")
    args = parser.parse_args()
    console = Console()
    print_facts(facts(), console)
    with tempfile.TemporaryDirectory(prefix="loops-") as scratch:
        submitted = _class(Path(scratch))
        first, second = (_grade(Path(scratch), submitted, seed) for seed in SEEDS)
    limits = _print(first, second, console)
    if args.json:
        found = {"facts": facts(), "runs": [first, second], "limits": [limit.as_json() for limit in limits]}
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(limit.kept for limit in limits) else 1


def _class(scratch: Path) -> Path:
    answers = {"reference": "", "windows": LOOPS_OVER_WINDOWS, "pixels": f"{HELPERS}\n{PIXELS}"}
    return make_answers(scratch / "submitted", answers)


def _grade(scratch: Path, submitted: Path, seed: str) -> dict[str, float]:
    """Seconds of the start-up, and of each submission's grading, by its name."""
    out = scratch / f"out-{seed}"
    words = [sys.executable, "-m", "autograder", "grade", "a6", submitted, "--out", out, "--jobs", "1", "--seed", seed]
    ran = run(words, ROOT, {"AUTOGRADER_CACHE": str(scratch / "cache")})
    results = sorted(out.glob("*/result.json"), key=lambda path: path.stat().st_mtime)
    seconds = {path: json.loads(path.read_text(encoding="utf-8"))["seconds"] for path in results}
    startup = results[0].stat().st_mtime - ran.began - seconds[results[0]]
    return {"start-up": startup, **{path.parent.name.split("-")[0]: seconds[path] for path in results}}


def _print(first: Mapping[str, float], second: Mapping[str, float], console: Console) -> list[Limit]:
    table = Table(title="Seconds, one submission at a time", title_justify="left")
    table.add_column("")
    for heading in ("first run", "second run", "times the reference's copy"):
        table.add_column(heading, justify="right")
    for name in first:
        ratio = "" if name == "start-up" else f"{first[name] / first['reference']:.1f}"
        table.add_row(name, f"{first[name]:.1f}", f"{second[name]:.1f}", ratio)
    console.print(table)
    limits = [
        Limit(f"{name}, times the reference's copy", Figure((first[name] / first["reference"],), "x"), at_most=MOST)
        for name in ("windows", "pixels")
    ]
    print_limits(limits, console)
    return limits


if __name__ == "__main__":
    sys.exit(main())

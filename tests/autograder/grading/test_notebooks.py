"""A student's notebook is run once in a worker, to its end if it can be, and nothing in it gets any further."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.course.layout import Course
from autograder.course.model import Assignment, Component, NotebookLimits
from autograder.course.notebook import NotebookOutcome, NotebookRun
from autograder.course.plain import from_plain, to_plain
from autograder.grading.notebooks.run import Notebooks
from autograder.reports.pages.notebook import warm_up
from autograder.sandbox import Package, Sandbox
from tests.autograder.conftest import TOY
from tests.autograder.grading.notebooks import BLANK, code, file_of, handed_out, printed, text

PRELOAD = ("IPython", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "autograder.sandbox.worker.notebook")
# Far more than any cell here takes, on a busy machine too; what never ends is given less.
LIMITS = NotebookLimits(seconds=600, cell_seconds=60, memory_mb=512, disk_mb=8)
SHORT = replace(LIMITS, cell_seconds=3)
Run = Callable[..., tuple[NotebookRun, str]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(preload=PRELOAD) as sandbox:
        warm_up()
        yield sandbox


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    toy = Course(TOY).assignment("t1")
    return replace(toy, components=(Component("toy", "toy.ipynb", ("made.pt", "kept.pt")),), notebook_limits=LIMITS)


@pytest.fixture
def run(sandbox: Sandbox, assignment: Assignment) -> Run:
    """Run a notebook of these cells, or of these bytes, beside the toy's reference."""
    solution = Path(TOY, "solutions")
    files = {
        "toy.py": (solution / "t1_toy/toy.py").read_bytes(),
        "common/__init__.py": (solution / "common/__init__.py").read_bytes(),
        "kept.pt": b"as handed in",
    }

    def run(cells: list[dict[str, Any]] | bytes | None, limits: NotebookLimits = LIMITS) -> tuple[NotebookRun, str]:
        notebooks = Notebooks(
            sandbox, replace(assignment, notebook_limits=limits), {"toy.ipynb": file_of(handed_out())}
        )
        received = file_of(cells) if isinstance(cells, list) else cells
        made, page = notebooks.run("toy.ipynb", received, Package(files, "toy", frozenset()), "kim_minsu")
        return made, page or ""

    return run


def raised(run: NotebookRun) -> list[tuple[int, str]]:
    return [(cell.cell, cell.kind) for cell in run.raised]


def test_a_notebook_is_run_from_top_to_bottom(run: Run) -> None:
    cells = handed_out()
    cells[-1]["source"] = "Because **2**.\n\n<script>alert(1)</script>"
    made, page = run(cells)
    assert (made.outcome, made.reason, made.raised) == (NotebookOutcome.RAN, "", ())
    assert (made.cells, made.run, made.not_stored, made.out_of_order) == (4, 4, 4, 0)
    assert made.written == ("made.pt",)
    assert made.seconds > 0
    assert "twice tensor(4.)" in page
    assert "tensor([2., 2.])" in page
    assert page.count('<img alt="No description has been provided for this image" src="data:image/png;base64,') == 1
    (answer,) = made.answers
    assert answer.question == "**Question 1.** Why *twice*?"
    assert answer.text.startswith("Because **2**.")
    assert "<strong>2</strong>" in answer.html
    assert "<script" not in answer.html
    assert from_plain(to_plain(made), NotebookRun) == made


def test_an_answer_left_as_it_was_is_none(run: Run) -> None:
    made, _ = run(handed_out())
    assert [answer.text for answer in made.answers] == [""]
    cells = handed_out()
    cells[-1]["source"] = f"\n{BLANK}  \n"
    assert [answer.text for answer in run(cells)[0].answers] == [""]


def test_given_cells_are_the_clean_copys_and_own_cells_run_too(run: Run) -> None:
    cells = handed_out()
    cells[1]["source"] = "raise SystemExit  # in the place of a given cell"
    cells.insert(3, code("print('my own', double(torch.tensor(5.0)))"))
    made, page = run(cells)
    assert made.outcome is NotebookOutcome.RAN
    assert made.run == 5
    assert "my own tensor(10.)" in page


def test_a_cell_that_raises_is_told_and_the_others_run(run: Run) -> None:
    cells = handed_out()
    cells.insert(2, code("1 / 0"))
    cells.insert(3, code("raise ValueError('first line\\nsecond')"))
    made, page = run(cells)
    assert made.outcome is NotebookOutcome.RAISED
    assert made.summary == "2 cells raised"
    assert raised(made) == [(3, "ZeroDivisionError"), (4, "ValueError")]
    assert made.raised[1].message == "first line"
    assert made.run == 6
    assert made.written == ("made.pt",)
    assert 'id="cell-3"' in page


@pytest.mark.parametrize("module", ["tqdm", "tqdm.auto", "tqdm.notebook"])
def test_a_progress_bar_is_no_mistake(run: Run, module: str) -> None:
    """Here no widget could show it."""
    cells = [
        f"from {module} import tqdm, trange",
        "with tqdm(total=3, desc='loss') as bar:\n    bar.update(1)\n    bar.set_postfix(loss=0.5)",
        "print('steps', [step for step in tqdm([1, 2])], sum(trange(3)))",
        "for epoch in trange(2, leave=False):\n    tqdm.write('an epoch')",
    ]
    made, page = run([code(source) for source in cells])
    assert raised(made) == []
    assert "steps [1, 2] 3" in page
    assert page.count("an epoch") == 3  # the cell and two lines


def test_what_would_start_a_process_says_so_and_is_not_counted(run: Run) -> None:
    cells = [
        code(source)
        for source in (
            "!pip install -q einops",
            "%pip install einops",
            "%%bash\necho hello",
            "files = !ls\nprint(len(files))",
            "get_ipython().system('echo x')",
            "import subprocess\nsubprocess.run(['ls'])",
            "import os\nos.system('ls')",
            "%%script python\nprint(1)",
            "import torch\nfrom torch.utils.data import DataLoader\n"
            "loader = DataLoader(range(8), 4, False, None, None, 2, persistent_workers=True)\n"
            "batches = DataLoader(range(8), batch_size=4, num_workers=2)\n"
            "print('loaded', sum(map(len, batches)), loader.num_workers)",
            "@torch.compile(mode='max-autotune')\ndef f(x): return x + 1\nprint('compiled', torch.compile(f)(1))",
            "input('name? ')",
            "print('the end')",
        )
    ]
    made, page = run(cells)
    assert raised(made) == [(11, "EOFError")]
    assert made.raised[0].message == "input() is not available"
    assert made.run == 12
    for words in ("loaded 8 0", "compiled 2", "the end"):
        assert words in page
    assert page.count("processes cannot be started here") >= 8


def test_what_a_kernel_or_a_screen_would_do_is_not_counted(run: Run) -> None:
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    cells = [code(f"%matplotlib {kind}\n{plot}") for kind in ("widget", "notebook", "ipympl", "qt", "inline", "")]
    cells += [
        code(source) for source in ("exit()", "quit()", "exit", "quit", "get_ipython().ask_exit()", "print('end')")
    ]
    made, page = run(cells)
    assert raised(made) == []
    assert page.count("data:image/png;base64,") == 6
    assert page.count("the notebook cannot end itself here") >= 4


def test_what_is_imported_and_not_here_costs_what_uses_it(run: Run) -> None:
    """In cells of the notebook's own: packages, and modules that were not handed in, but not what the cells write."""
    cells = [
        code("%matplotlib inline\nimport torchvision.transforms as T\nfrom my_layers import Block\nx = 1"),
        code("print('here', x)"),
        code("T.ToTensor()"),
        code("Block(3)"),
        code("%%writefile written.py\nVALUE = 3"),
        code("import written\nprint('written', written.VALUE)"),
        code("def later():\n    import nowhere\nlater()"),
    ]
    made, page = run(cells)
    assert [(cell.cell, cell.message.partition(":")[0]) for cell in made.raised] == [
        (3, "torchvision is not available in grading"),
        (4, "my_layers was not handed in, and no package of that name is available in grading"),
        (7, "No module named 'nowhere'"),
    ]
    assert "here 1" in page
    assert "written 3" in page


def test_a_notebook_of_the_students_own_runs_beside_what_was_handed_in_with_it(
    sandbox: Sandbox, assignment: Assignment
) -> None:
    ours = {"toy.py": b"A = 1\n", "common/__init__.py": b"WHOSE = 'the course'\n", "common/more.py": b""}
    theirs = {"toy.py": b"A = 2\n", "common/__init__.py": b"WHOSE = 'mine'\n"}
    notebooks = Notebooks(sandbox, assignment, {"toy.ipynb": file_of(handed_out())})
    look = code("import common, toy, os\nprint(common.WHOSE, toy.A, os.path.exists('common/more.py'))")
    own = file_of([look])
    made = notebooks.run("toy.ipynb", own, Package(ours, "toy", frozenset()), "kim", theirs)
    assert made[0].own
    assert "mine 2 False" in str(made[1])
    from_ours = handed_out()
    from_ours.insert(2, look)
    made = notebooks.run("toy.ipynb", file_of(from_ours), Package(ours, "toy", frozenset()), "kim", theirs)
    assert "the course 1 True" in str(made[1])


def test_magics_tables_and_messages(run: Run) -> None:
    cells = handed_out()
    for source in (
        "%matplotlib inline\n%load_ext autoreload\n%autoreload 2",
        "%%time\nx = 1",
        "from IPython.display import HTML, Markdown, SVG, display\nHTML('<table><tr><td>cell</td></tr></table>')",
        "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(2)</script></svg>'))",
        "display(Markdown('**bold**'))",
        "import sys\nprint('a warning', file=sys.stderr)",
        "from google.colab import drive\ndrive.mount('/content/drive')",
        "import torchvision",
        "handle = display('first', display_id=True)\nhandle.update('second')",
        "_ = 3;\n'quiet';",
    ):
        cells.append(code(source))
    made, page = run(cells)
    assert raised(made) == []
    for words in (
        "<td>cell</td>",
        "<strong>bold</strong>",
        "a warning",
        "google.colab.drive.mount does nothing here",
        "second",
        "Wall time",
    ):
        assert words in page, words
    for words in ("<svg", "alert(2)</script>", "first</pre>", "quiet</pre>"):
        assert words not in page, words


HOSTILE = {
    "ends its process": ("import os\nos._exit(0)", "stopped", "crashed"),
    "never ends": ("while True: pass", "raised", "TimeoutError"),
    "never ends whatever it is told": (
        "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
        "stopped",
        "timeout",
    ),
    "forges a reply": ("import os\nos.write(3, b'AGF1' + bytes(12))", "stopped", "crashed"),
    "speaks unasked": (
        "from autograder.sandbox.channel import wire\nimport os\n"
        "reply = {'id': 4, 'used': [], 'value': {'outputs': [], 'left_out': False}}\n"
        "os.write(3, b''.join(map(bytes, wire.encode(reply))) * 3)",
        "stopped",
        "crashed",
    ),
    "closes the channel": ("import os\nos.close(3)", "stopped", "crashed"),
    "takes all memory": ("x = bytearray(2**34)", "raised", "MemoryError"),
    "replaces what collects outputs": (
        "get_ipython().put_out.begin = None\nget_ipython().put_out.outputs = [{'kind': 'display', 'data': {'x/y': 1}}]",
        "stopped",
        "crashed",
    ),
    "asks for input": ("input('name? ')", "raised", "EOFError"),
    "reads what it should not": ("open('/etc/shadow').read()", "raised", None),
    "opens a socket": ("import socket\nsocket.socket()", "raised", None),
    "fills the disk": ("open('much', 'wb').write(bytes(2**25))", "raised", "OSError"),
    "interrupts": ("raise KeyboardInterrupt", "raised", "KeyboardInterrupt"),
    "names an error of its own": ("class E(Exception):\n    __str__ = None\nraise E", "raised", "E"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_cell_does_is_told(name: str, run: Run) -> None:
    source, outcome, kind = HOSTILE[name]
    cells = handed_out()
    cells.insert(2, code(source))
    cells.insert(3, code("print('after')"))
    made, page = run(cells, SHORT if "never ends" in name else LIMITS)
    assert made.outcome == outcome
    if kind:
        assert made.raised[0].kind == kind
    assert made.raised[0].cell in (3, 4)  # a worker that is out of step shows it at the next cell
    if outcome == "stopped":
        assert made.reason.startswith(f"Cell {made.raised[-1].cell} ended the run")
        assert "Nothing below was run" in page
    else:
        assert "after" in page
        assert made.written == ("made.pt",)


def test_too_much_output_is_cut(run: Run) -> None:
    cells = handed_out()
    cells.append(code("for _ in range(100_000): print('x' * 100)"))
    cells.append(code("for number in range(500): display(number)"))
    cells.append(
        code("import sys\nfor _ in range(300): print('a'); print('b', file=sys.stderr)\nraise ValueError('at last')")
    )
    cells.append(code("'x' * 10**8"))
    made, page = run(cells)
    assert raised(made) == [(10, "ValueError")]
    assert page.count("output is left out") == 4
    assert len(page) < 2_000_000


@pytest.mark.parametrize("number", [10_000, 100_000])
def test_ten_thousand_cells(number: int, run: Run) -> None:
    made, page = run(file_of([code("1")] * number))
    assert (made.outcome, page) == (NotebookOutcome.UNREADABLE, "")
    assert made.reason == "it cannot be read as a notebook: more than 5000 cells"


@pytest.mark.parametrize(
    "received, reason",
    [
        (b"\x00\xff no notebook", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"cells": 3}', "it has no cells"),
        (b'{"cells": [' + b" " * (65 << 20) + b"]}", "larger than 64 MiB"),
    ],
    ids=["bytes", "deep", "no cells", "large"],
)
def test_what_is_no_notebook_is_said(received: bytes, reason: str, run: Run) -> None:
    made, page = run(received)
    assert (made.outcome, page) == (NotebookOutcome.UNREADABLE, "")
    assert reason in made.reason


def test_none_was_handed_in(run: Run) -> None:
    made, page = run(None)
    assert (made.outcome, made.summary, page) == (NotebookOutcome.MISSING, "missing", "")


def test_odd_cells_do_not_end_the_run(run: Run) -> None:
    """Sources that are lists, lone surrogates, wrong types, a source of megabytes: the rest runs."""
    cells = handed_out()
    cells.append(code("") | {"source": ["print(", "'listed'", ")"]})
    cells.append(code("# \ud800\nprint('lone')"))
    cells.append({"cell_type": "code", "source": 7, "metadata": [], "outputs": {}})
    cells.append({"cell_type": "evil", "source": "x"})
    cells.append(code("x = 1 #" + "x" * 300_000))
    cells.append(code("print('at the end')", outputs=[7, {"output_type": "stream"}, {"data": 3}, {"output_type": []}]))
    made, page = run(cells)
    assert raised(made) == [(11, "not run")]
    for words in ("listed", "lone", "at the end"):
        assert words in page


def test_a_notebook_of_another_year_runs_as_it_is(run: Run) -> None:
    cells = [
        text("# EECS 598: another course"),
        code("from google.colab import drive\ndrive.mount('/content/drive')"),
        code("import os, sys\nGOOGLE_DRIVE_PATH = '/content/drive/My Drive/A6'\nprint(os.listdir(GOOGLE_DRIVE_PATH))"),
        code("from toy import double\nprint('so', double(4))"),
    ]
    made, page = run(cells)
    assert made.own
    assert made.outcome is NotebookOutcome.RAISED
    assert raised(made) == [(3, "FileNotFoundError")]
    assert "ran as it is" in made.reason
    assert made.answers == ()
    assert "so 8.0" in page


def test_stored_outputs_are_held_against_the_run(run: Run) -> None:
    cells = handed_out()
    cells[2] |= {"outputs": printed("twice tensor(4.)\n"), "execution_count": 2}
    cells[4] |= {"outputs": [], "execution_count": 1}
    assert run(cells)[0].compared == 1
    cells[2]["outputs"] = printed("twice tensor(5.)\n")
    made, _ = run(cells)
    assert (made.compared, made.different_count, made.not_stored, made.out_of_order) == (1, 1, 2, 1)
    (different,) = made.different
    assert (different.cell, different.stored, different.run) == (3, "twice tensor(5.)", "twice tensor(4.)")


def test_time_for_the_whole_notebook_is_bounded(run: Run) -> None:
    cells = handed_out()
    cells[1:1] = [code("import time\ntime.sleep(1)") for _ in range(9)]
    made, _ = run(cells, replace(LIMITS, seconds=1.5))
    assert made.outcome is NotebookOutcome.STOPPED
    assert made.raised[-1].kind == "timeout"
    assert made.run < 9


def test_a_host_without_a_private_folder_runs_nothing(assignment: Assignment) -> None:
    with Sandbox(level="D", unsafe=True) as sandbox:
        notebooks = Notebooks(sandbox, assignment, {"toy.ipynb": file_of(handed_out())})
        made, page = notebooks.run("toy.ipynb", file_of(handed_out()), Package({}, "toy", frozenset()), "kim")
    assert made.outcome is NotebookOutcome.NOT_RUN
    assert "no folder" in made.reason
    assert page


def test_nothing_is_left_behind(run: Run) -> None:
    before = len(os.listdir("/proc/self/fd"))
    run(handed_out())
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_notebook_that_could_not_be_received_is_not_called_missing(sandbox, assignment) -> None:
    notebooks = Notebooks(sandbox, assignment, {"toy.ipynb": file_of(handed_out())})
    made, page = notebooks.run("toy.ipynb", None, Package({}, "toy", frozenset()), "kim", unread="encrypted")
    assert (made.outcome, made.reason, page) == (
        NotebookOutcome.UNREADABLE,
        "toy.ipynb cannot be read: encrypted",
        None,
    )

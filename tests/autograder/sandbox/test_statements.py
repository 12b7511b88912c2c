"""A statement that fails when a file is imported costs what uses its names, and nothing is run twice for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from autograder.errors import ForbiddenUse, Location, StudentError, WorkerOutOfMemory
from autograder.sandbox import Worker
from autograder.sandbox.channel.failures import OWN_KIND, Skipped
from autograder.sandbox.grader.places import Places
from autograder.sandbox.grader.replies import skipped_statements
from autograder.sandbox.isolation.paths import WORK
from autograder.sandbox.proxy import Proxy
from autograder.sandbox.session.importing.statements import MAX_SKIPPED, Statements
from tests.autograder.sandbox.conftest import LIMITS

Open = Callable[..., tuple[Proxy, Worker]]

# What fails at the top level, by the name of its exception; each is on line 4, between two functions.
FAILING = {
    "a drive": ("import os; x = 1; os.chdir('/content/drive/MyDrive/A6')", "FileNotFoundError"),
    "no GPU": ("assert torch.cuda.is_available(), 'needs a GPU'", "AssertionError"),
    "a process": ("import subprocess; subprocess.run(['nvidia-smi'])", "OSError"),
    "a file": ("cfg = json.load(open('config.json'))", "FileNotFoundError"),
    "a locale": ("import locale; locale.setlocale(locale.LC_ALL, 'xx_YY.UTF-8')", OWN_KIND),
    "a download": ("from urllib import request; request.urlretrieve('http://127.0.0.1:9/x', 'x')", "OSError"),
    "a self-check": ("assert torch.equal(before(torch.ones(2)), torch.ones(2))", "AssertionError"),
    "an open question": ("later()", "NameError"),
    "a stub": ("stub()", "NotImplementedError"),
    "exit": ("exit()", "SystemExit"),
    "sys.exit": ("import sys; sys.exit('done')", "SystemExit"),
    "unittest": ("import unittest; unittest.main()", "SystemExit"),
    "input": ("rate = float(input('rate? '))", "EOFError"),
    "raise": ("raise RuntimeError('no')", "RuntimeError"),
    "if": ("if True: cfg = 1 / 0", "ZeroDivisionError"),
    "for": ("for cfg in (1,): cfg = int('a')", "ValueError"),
    "with": ("with open('none') as file: cfg = file.read()", "FileNotFoundError"),
    "try": ("try: cfg = {}['a']\nexcept ValueError: pass", "KeyError"),
    "its own": ("class E(Exception): pass\nraise E", OWN_KIND),
    "two on a line": ("cfg = 1 / 0; other = [][0]", "ZeroDivisionError"),
}


@pytest.mark.parametrize("name", FAILING)
def test_what_uses_nothing_of_it_is_right(opened: Open, name: str) -> None:
    code, kind = FAILING[name]
    source = f"import json, torch\ndef stub(): raise NotImplementedError\ndef before(x): return x + 1\n{code}\n"
    student, worker = opened(f"{source}def after(x): return before(x) + 1\n")
    assert torch.equal(student.after(torch.zeros(2)), torch.full((2,), 2.0))
    assert [each.kind for each in worker.skipped][:1] == [kind]
    assert worker.skipped[0].place == Location("answer.py", 5 if name == "its own" else 4)
    assert len(worker.skipped) == 1 + (name == "two on a line")


USES = """
import json
SCALE = 2
cfg, path = json.load(open("config.json")), "config.json"
SCALE = int("no number")
rate = float(cfg["rate"])
class Net(cfg.Base): pass
def fine(): return SCALE
def subscript(): return cfg["rate"]
def attribute(): return cfg.rate + 1
def beside(): return len(path)
def consequence(): return rate * 2
def base(): return Net()
"""


@pytest.mark.parametrize("call", ["subscript", "attribute", "beside", "consequence", "base"])
def test_what_uses_its_names_is_told_which_line_failed(opened: Open, call: str) -> None:
    student, worker = opened(USES)
    assert student.fine() == 2, "a name keeps the value that it has"
    with pytest.raises(StudentError) as caught:
        getattr(student, call)()
    assert caught.value.kind == "NameError"
    told = "has no value: line 4 of answer.py raised FileNotFoundError when the file was imported"
    assert told in caught.value.text
    wanted = (Location("answer.py", 4), Location("answer.py", 5))
    assert tuple(each.place for each in worker.skipped) == wanted, "a consequence is no failure of its own"


def test_nothing_before_or_after_it_runs_twice(opened: Open) -> None:
    source = "print('one')\n1 / 0\nprint('two')\nint('x')\nprint('three')\ndef f(): return 1\n"
    student, worker = opened(source)
    assert (student.f(), worker.output().split()) == (1, ["one", "two", "three"])


def test_imports_functions_and_classes_are_not_skipped(opened: Open) -> None:
    for source in ("class A: x = 1 / 0\n", "def f(x=1 / 0): pass\n", "@(1 / 0)\ndef f(): pass\n"):
        for start in ("", "int('x')\n"):
            _, worker = opened(start + source, load=False)
            with pytest.raises(StudentError, match="division by zero") as caught:
                worker.load()
            assert caught.value.importing
    _, worker = opened("import helper", files={"helper.py": b"class A: x = 1 / 0\n"}, load=False)
    with pytest.raises(StudentError, match="division by zero"):
        worker.load()


def test_there_is_a_limit(opened: Open) -> None:
    fine, _ = opened("1 / 0\n" * MAX_SKIPPED + "def f(): return 1\n")
    assert fine.f() == 1
    _, worker = opened("1 / 0\n" * (MAX_SKIPPED + 1) + "def f(): return 1\n", load=False)
    with pytest.raises(StudentError, match="division by zero") as caught:
        worker.load()
    assert caught.value.location == Location("answer.py", MAX_SKIPPED + 1)


def test_what_ends_an_import_ends_it_still(opened: Open) -> None:
    for source, kind in (("exec('x =')\n", "SyntaxError"), ("raise KeyboardInterrupt\n", "KeyboardInterrupt")):
        _, worker = opened(source, load=False)
        with pytest.raises(StudentError) as caught:
            worker.load()
        assert caught.value.kind == kind
    _, worker = opened("raise MemoryError\n", load=False)
    with pytest.raises(WorkerOutOfMemory):
        worker.load()


def test_all_passes_have_the_time_of_one(opened: Open) -> None:
    catches = "try:\n    while True: pass\nexcept BaseException:\n    raise ValueError from None\n"
    _, worker = opened(catches * 3 + "while True: pass\n", limits=replace(LIMITS, import_seconds=2.0), load=False)
    with pytest.raises(Exception, match="no answer within 2 s"):
        worker.load()


HELPER = b"import os\nos.chdir('/content')\ndef once(x): return x + 1\nsize = int('x')\ndef sized(): return size + 1\n"


def test_a_helpers_statement_costs_as_little(opened: Open) -> None:
    files = {"helper.py": HELPER, "deep.py": b"import helper\n1 / 0\n"}
    source = "import deep\nfrom helper import once, sized\n[][0]\ndef f(): return once(1)\ndef g(): return sized()\n"
    student, worker = opened(source, files=files, own=frozenset({"answer.py", *files}))
    assert student.f() == 2
    with pytest.raises(StudentError, match=r"size has no value: line 4 of helper\.py raised ValueError"):
        student.g()
    assert {str(each.place) for each in worker.skipped} == {"answer.py:3", "deep.py:2", "helper.py:2", "helper.py:4"}


def test_a_try_around_an_import_sees_its_failure(opened: Open) -> None:
    source = "try:\n    from helper import f\nexcept OSError:\n    from other import f\ndef g(): return f()\n"
    files = {"helper.py": b"open('none')\ndef f(): return 1\n", "other.py": b"def f(): return 2\n"}
    student, worker = opened(source, files=files)
    assert (student.g(), worker.skipped) == (2, ())
    student, _ = opened(source.replace("OSError", "ValueError"), files=files)
    assert student.g() == 1


def test_names_inside_of_it_are_nobodys(opened: Open) -> None:
    """Variables of a comprehension belong to it, so `max` is still Python's."""
    student, _ = opened("__all__ = x = [max for max in (1,) if 1 / 0]\ndef f(): return max(2, 3)\n")
    assert student.f() == 3


def test_rules_on_calls_hold_all_the_same(opened: Open) -> None:
    source = "import torch\nimport torch.nn.functional as F\nx, w = torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)\n"
    source += "def by_hand(): return x.unfold(2, 2, 1).sum()\ndef conv(): return F.conv2d(x, w)\n"
    source += "open('none')\nassert torch.equal(by_hand(), F.conv2d(x, w))\n1 / 0\n"
    student, worker = opened(source, rules=("convolution",))
    assert student.by_hand().shape == ()
    assert [each.place.line for each in worker.skipped] == [6, 7, 8]
    with pytest.raises(ForbiddenUse):
        student.conv()


def test_a_gpu_is_replaced_before_anything_is_skipped(opened: Open) -> None:
    source = "import torch\nopen('none')\nx = torch.ones(2, device='cuda')\ndef f(): return x + 1\n"
    student, worker = opened(source)
    assert torch.equal(student.f(), torch.full((2,), 2.0))
    assert worker.no_gpu == "answer.py:3"
    assert [each.place.line for each in worker.skipped] == [2]


def test_a_missing_module_is_what_it_is_beside_it(opened: Open) -> None:
    source = "open('none')\nimport vision\nfor each in (1,): from sight import see\nx = float(vision.RATE)\n"
    student, worker = opened(
        f"{source}y = 1 / 0\ndef f(): return see(x)\ndef g(): return x + 1\ndef h(): return y + 1\n"
    )
    for call, why in {"f": "sight was not handed in", "g": "vision was not handed in", "h": "y has no value"}.items():
        with pytest.raises(StudentError, match=why):
            getattr(student, call)()
    assert [each.place.line for each in worker.skipped] == [1, 5]


def test_lines_are_those_of_the_students_file() -> None:
    places = Places({"toy.py": b"1\n2\n3\n"}, {"toy.py": (-4, 7, 8)})
    reported = [[f"{WORK}/toy.py", 2, "KeyError"], [f"{WORK}/toy.py", 1, "KeyError"], ["x", 1], 3]
    assert skipped_statements(reported, places) == (Skipped(Location("toy.py", 7), "KeyError"),)
    assert skipped_statements(None, places) == ()
    assert skipped_statements([[f"{WORK}/toy.py", 2, "42 secret"]], places)[0].kind == OWN_KIND
    told = "x has no value: line 2 of toy.py raised KeyError when the file was imported"
    assert places.with_student_lines(told) == told.replace("line 2", "line 7")


def test_outside_of_an_import_modules_run_as_they_are() -> None:
    statements, names = Statements(), {"__name__": "m"}
    with pytest.raises(ZeroDivisionError):
        statements.run("m.py", b"1 / 0", names, lambda: exec(compile("1 / 0", "m.py", "exec"), names))
    with statements.importing():
        statements.run("m.py", b"1 / 0", names, lambda: exec(compile("1 / 0", "m.py", "exec"), names))
    assert statements.skipped == [("m.py", 1, "ZeroDivisionError")]

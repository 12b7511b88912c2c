"""What importing a submission costs: only what cannot be done without, and the reason is the true one."""

from __future__ import annotations

import tokenize
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from autograder.checks.harness.verdict import judge
from autograder.course.model import Limits
from autograder.course.outcome import Outcome
from autograder.errors import Location, StudentError, WorkerTimeout
from autograder.sandbox import Package, Sandbox, Worker
from autograder.sandbox.proxy import Proxy
from tests.autograder.sandbox.conftest import LIMITS

Opened = Callable[..., Proxy]


@pytest.fixture
def handed_in(sandbox: Sandbox) -> Iterator[Opened]:
    """Load a source beside helpers and stand-ins."""
    workers: list[Worker] = []

    def open_(source: str, stand_ins: tuple[str, ...] = (), limits: Limits = LIMITS, **helpers: str) -> Proxy:
        files = {"answer.py": source.encode()} | {f"{name}.py": text.encode() for name, text in helpers.items()}
        files |= {"common/__init__.py": b"KNOWN = 1\n"}
        package = Package(files, "answer", frozenset(files) - {"common/__init__.py"}, stand_ins=frozenset(stand_ins))
        workers.append(sandbox.spawn(package, limits))
        workers[-1].load()
        return Proxy(workers[-1])

    yield open_
    for worker in workers:
        worker.close()


ABSENT = """
import torchvision.transforms as T
import torchvision
from layers import twice, Base
from common import KNOWN, missing
transform = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
class Net(Base):
    pass
@missing
def decorated(): pass
if torchvision.__version__ >= "9": pass
with torchvision.anything() as it: pass
picked = T.table["x"]
def fine(): return KNOWN
def package(x): return transform(x)
def module(x): return twice(x)
def base(): return Net()
def name(): return decorated()
def loop(): return [each for each in picked]
"""


@pytest.mark.parametrize(
    "call, why",
    [("package", "torchvision is not available in grading: torchvision.transforms.Compose was used"),
     ("module", "layers was not handed in, and no package of that name is available in grading: layers.twice was used"),
     ("base", "layers was not handed in"), ("name", "missing is not in the course's common"),
     ("loop", "torchvision is not available in grading")],
)  # fmt: skip
def test_a_module_that_is_not_here_costs_what_uses_it(handed_in: Opened, call: str, why: str) -> None:
    student = handed_in(ABSENT, ("torchvision", "./layers", "common:missing"))
    assert student.fine() == 1
    with pytest.raises(StudentError, match=why) as caught:
        getattr(student, call)(*([torch.ones(1)] if call in ("package", "module") else []))
    assert caught.value.kind == "ModuleNotFoundError"


# Imports of what is not here that no look at the file finds, and uses at the top level that a stand-in cannot serve.
MISSED = {
    "loop": "for name in ('a',):\n    import vision\nuse = lambda: vision.show()\n",
    "match": "match 1:\n    case 1:\n        from vision import show\nuse = lambda: show()\n",
    "finally": "try:\n    import vision\nfinally:\n    pass\nuse = lambda: vision.show()\n",
    "installed": "import os\ntry:\n    import vision\nexcept ImportError:\n"
    "    os.system('pip install vision')\n    import vision\nuse = lambda: vision.show()\n",
    "ended": "try:\n    import vision\nexcept ImportError:\n    raise SystemExit('no')\nuse = lambda: vision.x()\n",
    "by name": "import importlib\nvision = importlib.import_module('vision')\nuse = lambda: vision.show()\n",
    "inside": "from torch._six import inf\nuse = lambda: inf + 1\n",
    "in a helper": "import helper\nuse = helper.show\n",
    "a name of an older Python": "from collections import Iterable, OrderedDict\nuse = lambda: Iterable()\n",
    "a name of an older numpy": "import numpy as np\nkind = np.float\nuse = lambda: kind(1)\n",
    "a name of a newer torch": "try:\n    from torch.nn.functional import none as f\nfinally:\n    pass\n"
    "use = lambda: f(OrderedDict)\nfrom collections import OrderedDict\n",
    "unknown to packages": "import importlib.metadata as m\nversion = m.version('vision')\nuse = lambda: version[0]\n",
}
LACKED = {
    "inside": "torch._six is not available",
    "a name of an older Python": "collections has no Iterable in grading",
    "a name of an older numpy": "numpy has no float in grading",
    "a name of a newer torch": "torch.nn.functional has no none in grading",
}
USED = {
    "loader": "data = vision.Data('.', transform=vision.T.Compose([]))\n"
    "use = torch.utils.data.DataLoader(data, shuffle=True, num_workers=2)\n",
    "length": "data = vision.Data('.')\nprint(len(data))\nuse = lambda: len(data)\n",
    "arithmetic": "use = vision.BATCH * 2 + 1 << vision.A | vision.B\n",
    "from the right": "use = 2 ** -vision.BATCH / torch.ones(2)\n",
    "range": "numbers = list(range(vision.N))\nuse = lambda: numbers[0]\n",
    "loop": "for each in vision.data: each.x\nfor step in range(vision.N): total = step\nuse = lambda: total + 1\n",
    "truth": "if not vision.available(): use = lambda: vision.x()\n",
    "comparison": "if vision.N > 3: pass\nuse = vision.N < 3\n",
    "unpacked": "width, height = vision.size()\nuse = lambda: width + height\n",
    "torch": "use = torch.stack([vision.image, vision.image])\n",
    "number": "use = float(vision.RATE)\n",
    "text": "use = f'{vision.RATE:>10}'\n",
    "version": "assert tuple(map(int, vision.__version__.split('.'))) >= (0, 1)\nuse = lambda: vision.x()\n",
    "annotated": "x: 'Later' | None = vision.size(3)\nuse, other = vision.a()\nclass Later: pass\n",
}


@pytest.mark.parametrize("case", [*MISSED, *(f"used: {name}" for name in USED)])
def test_it_costs_no_more_however_it_is_imported_or_used_at_the_top(handed_in: Opened, case: str) -> None:
    used = USED.get(case.removeprefix("used: "), "") if case.startswith("used: ") else ""
    source = f"from __future__ import annotations\nimport torch, vision\n{used}" if used else MISSED[case]
    rest = "def fine(x): return x + 1\ndef user(): return bool(use() if callable(use) else use)\n"
    helper = "try:\n    import vision\nexcept ImportError as error:\n    raise RuntimeError('install it')\n"
    helper += "def show(): return vision.show()\n"
    student = handed_in(source + rest, ("vision",) if used else (), helper=helper)
    assert torch.equal(student.fine(torch.zeros(2)), torch.ones(2))
    why = LACKED.get(case, "vision (is not available|was not handed in)")
    with pytest.raises(StudentError, match=rf"^ModuleNotFoundError: {why}"):
        student.user()


def test_a_missing_name_costs_no_name_beside_it(handed_in: Opened) -> None:
    source = "from __future__ import annotations\nfrom collections import Iterable, OrderedDict as Ordered\n"
    student = handed_in(
        f"{source}import vision, math\nvision.show(int('1'))\ndef f(): return Ordered(a=math.floor(1.5))\n"
    )
    assert student.f() == {"a": 1}


def test_a_name_of_a_later_typing_is_there(handed_in: Opened) -> None:
    source = "from typing import Any, override\n"
    source += "class Net:\n    @staticmethod\n    @override\n    def f(x: Any): return x + 1\n"
    assert torch.equal(handed_in(source).Net.f(torch.zeros(2)), torch.ones(2))


def test_a_slip_beside_a_stand_in_is_what_it_is(handed_in: Opened) -> None:
    source = "import vision\ndata = vision.Data()\nx = int(data.n)\nclass A: y = 1 / 0\n"
    with pytest.raises(StudentError, match="division by zero") as caught:
        handed_in(source, ("vision",))
    assert (caught.value.importing, caught.value.location) == (True, Location("answer.py", 4))
    student = handed_in(
        source.replace("class A: y", "y") + "def f(): return x + 1\ndef g(): return y + 1\n", ("vision",)
    )
    with pytest.raises(StudentError, match="vision is not available"):
        student.f()
    with pytest.raises(StudentError, match=r"y has no value: line 4 of answer\.py raised ZeroDivisionError when the"):
        student.g()
    with pytest.raises(StudentError, match="RuntimeError: mine"):
        handed_in("import vision\nclass A: raise RuntimeError('mine')\n")
    with pytest.raises(StudentError, match="cannot import name 'nothing' from 'helper'"):
        handed_in("from helper import nothing\n", helper="")
    with pytest.raises(StudentError, match="module 'helper' has no attribute 'nothing'"):
        handed_in("import helper\nclass A: x = helper.nothing\n", helper="")
    with pytest.raises(StudentError, match="'dict' object has no attribute 'nothing'"):
        handed_in("class A: x = {}.nothing\n")


def test_a_helper_that_imports_what_is_not_here_costs_no_more(handed_in: Opened) -> None:
    helper = "import torchvision\ndef twice(x): return x + x\ndef show(x): return torchvision.utils.make_grid(x)\n"
    student = handed_in(
        "import helper\nfrom helper import twice as f\nshow = helper.show\n", ("torchvision",), helper=helper
    )
    assert torch.equal(student.f(torch.ones(2)), torch.full((2,), 2.0))
    with pytest.raises(StudentError, match="torchvision is not available in grading"):
        student.show(torch.ones(1))


@pytest.mark.parametrize("name", ["queue", "copy", "autograder", "torch", "code", "layers", "random"])
def test_a_helper_may_be_called_like_a_module_of_somebody_elses(handed_in: Opened, name: str) -> None:
    source = f"import torch as t\nfrom {name} import once\nimport {name} as whole\ndef f(x):\n"
    source = source.replace("import torch as t\n", "") if name == "torch" else source
    late = (
        f"    from {name} import once as late\n    import queue as q, copy as c\n    return late(whole.once(once(x)))\n"
    )
    student = handed_in(source + late, **{name: "def once(x):\n    return x + 1\n"})
    assert torch.equal(student.f(torch.zeros(2)), torch.full((2,), 3.0))


@pytest.mark.parametrize("name", ["token", "queue", "types", "random", "copy", "math"])
def test_so_may_a_package_of_helpers(handed_in: Opened, name: str) -> None:
    source = (
        f"from {name} import once\nimport {name}.deep.more\nfrom {name}.deep import more as deep\n"
        f"def f(x):\n    import {name} as whole\n    return deep.twice(whole.once({name}.deep.more.twice(once(x))))\n"
        "def others():\n    import tokenize, random as r\n    return tokenize.OP\n"
    )
    helpers = {
        f"{name}/__init__": "from .one import once\n",
        f"{name}/one": f"from {name}.deep.more import one\ndef once(x):\n    return x + one\n",
        f"{name}/deep/more": "from ..deep import other\none = other.one\ndef twice(x):\n    return x + 2 * one\n",
        f"{name}/deep/other": "import queue, copy, types, math\nmath.pi\none = 1\n" if name == "token" else "one = 1\n",
    }
    student = handed_in(source, **helpers)
    assert torch.equal(student.f(torch.zeros(2)), torch.full((2,), 6.0))
    assert student.others() == tokenize.OP
    alone = handed_in(f"from {name}.one import once as f\n", **{f"{name}/one": "def once(x):\n    return x + 1\n"})
    assert torch.equal(alone.f(torch.zeros(2)), torch.ones(2))


def test_what_such_a_helper_lacks_or_breaks_costs_no_more(handed_in: Opened) -> None:
    helpers = {"token/__init__": "", "token/one": "import vision\none = 1\n", "queue": "import token.none\ntwo = 2\n"}
    student = handed_in("from token import one\nimport queue\ndef f(): return one.one + queue.two\n", **helpers)
    assert student.f() == 3


def test_a_copy_of_an_installed_package_is_not_used(handed_in: Opened) -> None:
    copies = {"torch/__init__": "raise SystemExit\n", "numpy/__init__": "raise SystemExit\n"}
    student = handed_in("import numpy\nimport torch\ndef f(): return torch.ones(2)\n", **copies)
    assert torch.equal(student.f(), torch.ones(2))


def test_an_import_that_does_not_end_names_its_line(handed_in: Opened) -> None:
    short = replace(LIMITS, import_seconds=1.0)
    with pytest.raises(WorkerTimeout) as caught:
        handed_in("import torch\nx = 0\nwhile True:\n    x = x + 1\n", limits=short)
    assert caught.value.importing
    assert caught.value.location in (Location("answer.py", 3), Location("answer.py", 4))
    for ends_not in ("import time\ntime.sleep(600)\n", "import threading\nthreading.Event().wait()\n",
                     "import helper\nsum(iter(int, 1))\n", "import torch, helper\nhelper.f()\n"):  # fmt: skip
        with pytest.raises(WorkerTimeout) as caught:
            handed_in(ends_not, limits=short, helper="def f():\n    import queue\n    queue.Queue().get()\n")
        assert caught.value.importing
        where = Location("helper.py", 3) if "f()" in ends_not else Location("answer.py", 2)
        assert caught.value.location == where


def test_what_is_started_as_a_program_costs_nothing(handed_in: Opened) -> None:
    source = "import argparse, sys\nparser = argparse.ArgumentParser()\nparser.add_argument('--lr', default=2)\n"
    source += "args = parser.parse_args()\nbreakpoint()\ndef lr():\n    breakpoint()\n    return args.lr\n"
    answer = handed_in(f"{source}def name(): return sys.argv\n")
    assert (answer.lr(), answer.name()) == (2, ["answer.py"])
    with pytest.raises(StudentError) as found:
        handed_in("import pdb\nclass A:\n    pdb.set_trace()\n    x = 1\n")
    assert "breakpoint()" in judge(found.value).hint


def test_nobody_answers_questions(handed_in: Opened) -> None:
    for asks in (
        "import getpass\nclass A: key = getpass.getpass()\n",
        "from getpass import getpass\nclass A: key = getpass('key')\n",
    ):
        with pytest.raises(StudentError) as found:
            handed_in(asks)
        assert judge(found.value).hint.startswith("input() is not available")
    with pytest.raises(StudentError, match=r"input\(\) is not available"):
        handed_in("class A: lr = float(input('learning rate? '))\n")
    with pytest.raises(StudentError, match="processes cannot be started here"):
        handed_in("import subprocess\nclass A: subprocess.run(['ls'])\n")


def test_strings_that_arrive_are_interned_like_literals(handed_in: Opened) -> None:
    source = "def init(scale): return 1 if scale is 'kaiming' else 0\n"
    source += "def pad(more): return [key is 'padding' and more[key][0] is 'same' for key in more]\n"
    source += "def nested(more, *, scale): return pad(more) + [init(scale)]\n"
    answer = handed_in(source)
    assert answer.init("".join(["kai", "ming"])) == 1
    assert answer.init("other") == 0
    assert answer.nested({"padding": ["".join("same")]}, scale="".join("kaiming")) == [True, 1]


STUBS = """
import torch
class Net(torch.nn.Module):
    def foward(self, x): return x
class Base:
    def run(self): raise NotImplementedError
def stub(): raise NotImplementedError("conv-forward")
def base(): return Base().run()
def bare(): raise NotImplementedError
def mistaken(): return Net()(torch.zeros(2))
def integers(): return torch.rand(3, dtype=torch.int32)
def caught():
    try:
        torch.rand(3, dtype=torch.int32)
    except NotImplementedError:
        raise
def later():
    try:
        torch.rand(3, dtype=torch.int32)
    except NotImplementedError as error:
        raise ValueError("no") from error
"""


def test_only_a_raise_statement_of_the_file_is_a_stub(handed_in: Opened) -> None:
    answer = handed_in(STUBS)
    for call in ("stub", "base", "bare", "mistaken", "integers", "caught", "later"):
        with pytest.raises(StudentError) as found:
            getattr(answer, call)()
        assert found.value.stub == (call in ("stub", "base", "bare")), call
        assert (judge(found.value).outcome is Outcome.NOT_ATTEMPTED) == found.value.stub
        assert "conv" not in judge(found.value).hint
    with pytest.raises(StudentError) as found:
        answer.mistaken()
    assert "`forward`" in judge(found.value).hint


LOGS = """
from torch.utils.tensorboard import SummaryWriter
import torch.utils.tensorboard
writer = SummaryWriter("runs/first")
def fine(): return 1
def logged(): writer.add_scalar("loss", 1.0, 0)
def again(): return torch.utils.tensorboard.SummaryWriter()
"""


def test_a_module_that_is_here_and_lacks_another_costs_what_uses_it(handed_in: Opened) -> None:
    answer = handed_in(LOGS, ("?torch.utils.tensorboard", "?torch.nn.functional", "?torch.no_such_part"))
    assert answer.fine() == 1
    for call in ("logged", "again"):
        with pytest.raises(StudentError, match="tensorboard is not available in grading"):
            getattr(answer, call)()


def test_a_module_inside_one_that_lacks_another_does_too(handed_in: Opened) -> None:
    text = "from torch.utils.tensorboard.writer import SummaryWriter\ndef logs(): return SummaryWriter()\n"
    answer = handed_in(text, ("?torch.utils.tensorboard.writer",))
    with pytest.raises(StudentError, match="tensorboard is not available in grading"):
        answer.logs()


def test_a_module_that_only_another_file_imports_is_not_imported(handed_in: Opened) -> None:
    text = "import sys\ndef there(): return int('matplotlib' in sys.modules)\n"
    text += "def later():\n    import matplotlib.pyplot as plt\n    return int(len(plt.__doc__) > 0)\n"
    answer = handed_in(text, ("?matplotlib.pyplot",))
    assert (answer.there(), answer.later(), answer.there()) == (0, 1, 1)


@pytest.mark.parametrize(
    "starts",
    [
        "import multiprocessing; multiprocessing.Pool(2)",
        "from concurrent.futures import ProcessPoolExecutor; ProcessPoolExecutor(2).submit(len, ())",
        "import subprocess; subprocess.run(['ls'])",
        "import os; os.popen('ls')",
    ],
)
def test_processes_cannot_be_started_however_they_are_asked_for(handed_in: Opened, starts: str) -> None:
    with pytest.raises(StudentError, match="processes cannot be started here") as found:
        handed_in(f"class A: {starts}\n")
    assert found.value.kind == "OSError"
    assert found.value.importing


def test_a_shell_command_costs_nothing(handed_in: Opened) -> None:
    answer = handed_in(
        "import os\nstatus = os.system('nvidia-smi')\ndef failed(): return os.waitstatus_to_exitcode(status)\n"
    )
    assert answer.failed() == 127


def test_an_exception_of_a_library_is_known_by_the_built_in_one_that_it_is(handed_in: Opened) -> None:
    answer = handed_in(
        "import urllib.error\n"
        "class Mine(Exception): pass\n"
        "class Worse(Mine, KeyError): pass\n"
        "def library(): raise urllib.error.URLError('no')\n"
        "def own(): raise Mine\n"
        "def worse(): raise Worse\n"
    )
    for call, kind in {"library": "OSError", "own": "Mine", "worse": "KeyError"}.items():
        with pytest.raises(StudentError) as found:
            getattr(answer, call)()
        assert (found.value.kind, found.value.importing) == (kind, False)

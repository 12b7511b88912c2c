"""Makes the zips, folders and odd entries of a hostile class: one for each file in attacks/, and broken archives."""

from __future__ import annotations

import io
import os
import pickle
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

__all__ = [
    "ARCHIVES",
    "EXTRAS",
    "UNLUCKY_SCORES",
    "attack",
    "attacks",
    "plain_zip",
    "reference",
    "unlucky",
    "weights_of",
]

HERE = Path(__file__).parent
REFERENCE = HERE / "course/solutions/h1_traps/traps.py"
MODULE = "traps.py"
WEIGHTS = "weights.pt"


def attacks() -> dict[str, Path]:
    """Source files of attacks/ by name."""
    return {path.stem: path for path in sorted((HERE / "attacks").glob("*.py"))}


def beside() -> dict[str, bytes]:
    """What every attack is handed in with: the wrong answers it falls back to, and its tools."""
    return {path.name: path.read_bytes() for path in (HERE / "beside").glob("*.py")}


def attack(source: str | bytes, extra: Mapping[str, bytes] | None = None) -> bytes:
    """A zip that holds a module, what it falls back to, and other files."""
    files = {MODULE: source, WEIGHTS: weights_of(torch.zeros(4, 2)), **beside(), **(extra or {})}
    return plain_zip(files)


def reference(weights: torch.Tensor, *changes: tuple[str, str]) -> dict[str, str | bytes]:
    """The files of a full solution, after the changes, each of which must change something."""
    text = REFERENCE.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return {MODULE: text.replace("CANARY_OF_THE_REFERENCE", "nothing"), WEIGHTS: weights_of(weights)}


def weights_of(value: object) -> bytes:
    """A checkpoint file's bytes."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def plain_zip(files: Mapping[str, str | bytes]) -> bytes:
    """An ordinary zip."""
    return _zip(lambda archive: [archive.writestr(name, content) for name, content in files.items()])


def _zip(fill: Callable[[zipfile.ZipFile], object]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    return buffer.getvalue()


class _Runs:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return exec, ("import traps; traps.__dict__.clear(); print('LEAK')",)


ANSWERS = b"def bright(count, seed): pass\nbright.answers = lambda images: images\n"
TAKES_OVER = b"import pytest\n\ndef pytest_runtest_makereport(item, call):\n    call.excinfo = None\n"
PASSES = b"import pytest\n\n@pytest.mark.question('conv', weight=1e9)\ndef test_conv(student): pass\n"
# What some attacks are handed in with besides their tools.
EXTRAS: dict[str, dict[str, bytes]] = {
    "replaced_common": {
        "common/__init__.py": ANSWERS,
        "common.py": ANSWERS,
        "common/__init__/__init__.py": ANSWERS,
        "conftest.py": TAKES_OVER,
        "pytest.ini": b"[pytest]\naddopts = -p conftest --co\n",
        "pyproject.toml": b"[tool.pytest.ini_options]\naddopts = '--co'\n",
        "setup.cfg": b"[options.entry_points]\npytest11 = x = conftest\n",
        "sitecustomize.py": b"raise SystemExit(0)\n",
        "assignment.toml": b"number = 1\n",
        "tests/hidden/h1_traps/test_traps.py": PASSES,
        "test_more.py": PASSES,
        "torch/__init__.py": b"raise SystemExit(0)\n",
        "autograder/sandbox/session/operations.py": b"raise SystemExit(0)\n",
        "numpy.py": b"raise SystemExit(0)\n",
    },
    "harmful_weights": {WEIGHTS: pickle.dumps(_Runs())},
    # 64 GiB of one number: the file holds it once, with strides of 0.
    "giant_weights": {WEIGHTS: weights_of(torch.zeros(1).expand(2**34))},
}


def _cheated(archive: zipfile.ZipFile) -> None:
    """Names that lead elsewhere, a link, a device; the module itself is wrong."""
    for name in ("../traps.py", "/tmp/hostile-traps.py", "..\\..\\traps.py", "C:\\traps.py", "a/../../traps.py"):
        archive.writestr(name, "raise SystemExit\n")
    for name, kind, content in (("link.py", stat.S_IFLNK, "/etc/passwd"), ("device.py", stat.S_IFCHR, "")):
        info = zipfile.ZipInfo(name)
        info.external_attr = (kind | 0o644) << 16
        archive.writestr(info, content)
    _wrong(archive)


def _wrong(archive: zipfile.ZipFile) -> None:
    archive.writestr(MODULE, "from wrong import *\n")
    for name, content in beside().items():
        archive.writestr(name, content)


def _by_ratio(archive: zipfile.ZipFile) -> None:
    archive.writestr(MODULE, b" " * (64 << 20))


def _by_count(archive: zipfile.ZipFile) -> None:
    for index in range(10_100):
        archive.writestr(f"{index}.py", b"")


def _compiled(archive: zipfile.ZipFile) -> None:
    archive.writestr("traps.pyc", b"\x00" * 100)
    archive.writestr("__pycache__/traps.cpython-311.pyc", b"\x00" * 100)


def _folder_for_file(archive: zipfile.ZipFile) -> None:
    archive.writestr("traps.py/traps.txt", b"")
    archive.writestr("traps.py/", b"")


def _nested(archive: zipfile.ZipFile) -> None:
    archive.writestr("inner.zip", plain_zip({MODULE: "from wrong import *\n"}))


def _two_cases(archive: zipfile.ZipFile) -> None:
    archive.writestr("Traps.py", "raise SystemExit\n")
    _wrong(archive)


def _truncated() -> bytes:
    whole = _zip(_wrong)
    return whole[: len(whole) // 2]


# By file name: archives as they come from nobody's honest tool.
ARCHIVES: dict[str, bytes] = {
    "leads elsewhere.zip": _zip(_cheated),
    "bomb by ratio.zip": _zip(_by_ratio),
    "bomb by count.zip": _zip(_by_count),
    "compiled.zip": _zip(_compiled),
    "folder for file.zip": _zip(_folder_for_file),
    "nested.zip": _zip(_nested),
    "two cases.zip": _zip(_two_cases),
    "cut off.zip": _truncated(),
    "nothing.zip": b"",
    "no zip.zip": b"MZ" + os.urandom(64),
    # Names that mean something to a shell, a spreadsheet, a page, a terminal, or to the folder of reports.
    "index.html.zip": _zip(_wrong),
    "run.json.zip": _zip(_wrong),
    "grades.csv.zip": _zip(_wrong),
    "[bold]x[red].zip": _zip(_wrong),
    "=1+1.zip": _zip(_wrong),
    "<script>alert(1)<script>.zip": _zip(_wrong),
    "line\nbreak\x1b[2J.zip": _zip(_wrong),
    " .zip": _zip(_wrong),
}

# Honest work, after a small misfortune: what it must still earn.
UNLUCKY_SCORES: dict[str, float] = {
    "byte order mark": 20.0,
    "prints a lot": 20.0,
    "in a folder": 20.0,
    "copied twice": 20.0,
    "asks for input": 19.0,
    "wants a gpu": 20.0,
    "path of a laptop": 13.0,
    "too slow": 18.0,
    "syntax error": 0.0,
    "helper forgotten": 20.0,
    "from a notebook": 20.0,
}


def unlucky(weights: torch.Tensor) -> dict[str, dict[str, str | bytes]]:
    """Files of honest work that something happened to."""
    full = reference(weights)
    text = str(full[MODULE])

    def changed(*changes: tuple[str, str]) -> dict[str, str | bytes]:
        return reference(weights, *changes)

    return {
        "byte order mark": {**full, MODULE: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()},
        "prints a lot": changed(("out[i, j] =", "print('\\n'.join(['pixel'] * 5000)); out[i, j] =")),
        "in a folder": {f"과제 제출/{name}": content for name, content in full.items()},
        "copied twice": {"traps (1).py": text, WEIGHTS: full[WEIGHTS]},
        "asks for input": changed(("return [f", "input('how many? '); return [f")),
        "wants a gpu": changed(("return 3 * x\n", "return 3 * x.cuda()\n")),
        "path of a laptop": changed(("self.losses: list[float] = []", "open('C:/Users/kim/images.npy')")),
        "too slow": changed(("return x.reshape(", "__import__('time').sleep(30); return x.reshape(")),
        "syntax error": changed(("def names()", "def names(")),
        "helper forgotten": changed(("import torch\n", "import torch\nimport my_helper\n")),
        "from a notebook": changed(("import torch\n", "import torch\nfrom google.colab import drive\n")),
    }

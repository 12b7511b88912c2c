"""From a path to submissions: what is found, what is taken for what, whose it is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.course.model import Assignment, Component
from autograder.errors import ArchiveError, UsageError
from autograder.submission.paths import show
from autograder.submission.receive import locate
from autograder.submission.receive.find import find_submissions
from autograder.submission.receive.identity import read_notebook
from autograder.submission.receive.inbox import Inbox, Submission
from autograder.submission.source.parse import parse

from .samples import MODULE, Zip, zipped

STUB = b"class Layer:\n    pass\n\n\ndef helper():\n    raise NotImplementedError\n"
CLEAN = {"two_layers.py": STUB, "common/__init__.py": b"", "common/grad.py": b"GRAD = 1\n", "README.md": b"Read me\n"}


def notebook(*cells: str) -> bytes:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}).encode()


FULL = {
    "two_layers.py": MODULE,
    "two_layers.ipynb": notebook('name = "Kim Minsu"\nidnum = 2022123456\noption = 1'),
    "best_layers.pt": b"weights",
}


def receive(path: Path, assignment: Assignment, clean: Mapping[str, bytes] = CLEAN) -> Submission:
    inbox = Inbox.open(path, assignment, clean)
    (name,) = inbox.entries
    return inbox.receive(name)


def notes(submission: Submission) -> str:
    return "\n".join(submission.info.notes)


def test_an_id_is_the_same_with_and_without_hyphens(make_zip: Zip, assignment: Assignment) -> None:
    assert receive(make_zip(FULL, "kim_minsu-2022-123456-A6-O1.zip"), assignment).info.notes == ()


def test_a_submission_in_the_courses_form_needs_no_note(make_zip: Zip, assignment: Assignment) -> None:
    submission = receive(make_zip(FULL, "kim_minsu-2022123456-A6-O1.zip"), assignment)
    assert dict(submission.files) == {"two_layers.py": MODULE}
    assert dict(submission.artifacts) == {"best_layers.pt": b"weights"}
    assert submission.notebooks == {"two_layers.ipynb": FULL["two_layers.ipynb"]}
    assert submission.modules
    info = submission.info
    assert (info.submission, info.name, info.id) == ("kim_minsu-2022123456-A6-O1", "kim_minsu", "2022123456")
    assert (info.option, info.late, info.submitted_at) == ("1", False, "2022-12-01T10:00:00+09:00")
    assert info.notes == ()


def test_a_folder_around_everything_is_stripped(make_zip: Zip, assignment: Assignment) -> None:
    nested = {f"my work/a6/{name}": data for name, data in FULL.items()} | {"my work/a6/lib/extra.py": b"x = 1"}
    submission = receive(make_zip(nested, "kim-2022123456-A6-O1.zip"), assignment)
    assert dict(submission.files) == {"two_layers.py": MODULE, "lib/extra.py": b"x = 1"}
    assert submission.artifacts
    assert submission.notebooks
    assert "inside the folder my work/a6" in notes(submission)


@pytest.mark.parametrize(
    "name",
    [
        "two_layers (1).py",
        "Two_Layers.py",
        "two_layers-2.py",
        "two layers.py",
        "Copy of two_layers.py",
        "two_layers_final.py",
        "two_layers - 복사본.py",
        "two_layers.py.txt",
        "TWO_LAYERS.PY",
        "two_layers" + "1" * 150 + ".py",
        "hw6_kim.py",  # by what it defines
    ],
)
def test_a_renamed_module_is_recognised(make_zip: Zip, assignment: Assignment, name: str) -> None:
    submission = receive(make_zip({"helpers.py": b"x = 1", name: MODULE}), assignment)
    assert submission.files["two_layers.py"] == MODULE
    assert f"{show(name)} was taken for two_layers.py" in notes(submission)


@pytest.mark.parametrize("folder", ["", "A6/"])
def test_a_renamed_module_among_the_courses_files_is_recognised(
    make_zip: Zip, assignment: Assignment, folder: str
) -> None:
    clean = {**CLEAN, **{f"common/part{number}.py": b"" for number in range(40)}}
    handed_in = {f"{folder}{name}": data for name, data in clean.items() if name != "two_layers.py"}
    submission = receive(make_zip({**handed_in, f"{folder}hw6_submission.py": MODULE}), assignment, clean)
    assert submission.files == {"two_layers.py": MODULE}


def test_a_name_full_of_digits_is_compared_at_once(make_zip: Zip, assignment: Assignment) -> None:
    assert not receive(make_zip({"1" * 200 + "x.py": b""}), assignment).modules


def test_an_untouched_or_empty_file_does_not_hide_a_renamed_one(make_zip: Zip, assignment: Assignment) -> None:
    for empty in (b"", b"\n\n", STUB):
        submission = receive(make_zip({"two_layers.py": empty, "two_layers (1).py": MODULE}), assignment)
        assert dict(submission.files) == {"two_layers.py": MODULE}
    submission = receive(make_zip({"two_layers.py": b""}), assignment)
    assert submission.modules
    assert "two_layers.py is empty" in notes(submission)


def test_of_several_copies_the_one_with_work_in_it_counts(make_zip: Zip, assignment: Assignment) -> None:
    crlf = STUB.replace(b"\n", b"\r\n")
    submission = receive(make_zip({"two_layers.py": crlf, "done/two_layers.py": MODULE}), assignment)
    assert submission.files["two_layers.py"] == MODULE
    assert "took done/two_layers.py, not two_layers.py" in notes(submission)
    submission = receive(make_zip({"old/two_layers.py": b"old = 1", "two_layers.py": MODULE}), assignment)
    assert submission.files["two_layers.py"] == MODULE


@pytest.mark.parametrize("name", ["two_layers_v2.py", "two_layers_2.py", "lib/two_layers_final.py"])
def test_a_helper_that_is_called_like_the_module_is_kept(make_zip: Zip, assignment: Assignment, name: str) -> None:
    called = name.removesuffix(".py").replace("/", ".")
    for helper in (b"def f(): pass\n", MODULE):
        module = MODULE + f"\ndef g():\n    from {called} import f\n".encode()
        submission = receive(make_zip({"A6/two_layers.py": module, f"A6/{name}": helper}), assignment)
        assert submission.files == {"two_layers.py": module, name: helper}
    loaded = receive(make_zip({"two_layers.py": MODULE, name: b"def f(): pass\n"}), assignment)
    assert loaded.files == {"two_layers.py": MODULE, name: b"def f(): pass\n"}
    for version in (MODULE, b"", b"def f(:\n"):
        assert receive(make_zip({"two_layers.py": MODULE, name: version}), assignment).files == {
            "two_layers.py": MODULE
        }


@pytest.mark.parametrize("line", ["from src.helpers import f", "from src import helpers", "import src.helpers as h"])
@pytest.mark.parametrize("folder", ["", "A6/"])
def test_the_modules_folder_can_be_imported_from(make_zip: Zip, assignment: Assignment, line: str, folder: str) -> None:
    module = MODULE + f"{line}\n".encode()
    files = {"two_layers.py": module, "helpers.py": b"f = 1\n", "__init__.py": b""}
    submission = receive(make_zip({f"{folder}src/{name}": data for name, data in files.items()}), assignment)
    assert submission.files == {**files, **{f"src/{name}": data for name, data in files.items()}}
    plain = receive(
        make_zip({f"src/{name}": data for name, data in {**files, "two_layers.py": MODULE}.items()}), assignment
    )
    assert sorted(plain.files) == sorted(files)
    like_a_package = {f"{folder}torch/__init__.py": b"", f"{folder}torch/two_layers.py": MODULE + b"import torch.nn\n"}
    assert sorted(receive(make_zip(like_a_package), assignment).files) == ["__init__.py", "two_layers.py"]


@pytest.mark.parametrize("line", ["from utils.helpers import f", "from utils import helpers", "import utils.helpers"])
@pytest.mark.parametrize("folder", ["", "A6/"])
def test_helpers_in_a_folder_beside_the_modules_folder_can_be_imported(
    make_zip: Zip, assignment: Assignment, line: str, folder: str
) -> None:
    module = MODULE + f"import sys\nsys.path.append('..')\n{line}\nfrom shared import g\nimport torch\n".encode()
    used = {"utils/helpers.py": b"from utils.more import f\n", "utils/more.py": b"f = 1\n", "shared.py": b"g = 1\n"}
    unused = {"data/load.py": b"", "torch/nn.py": b"", "common/grad.py": b"", "utils.txt": b""}
    files = {**used, **unused, "src/two_layers.py": module}
    submission = receive(make_zip({f"{folder}{name}": data for name, data in files.items()}), assignment)
    assert submission.files == {"two_layers.py": module, **used}
    (note,) = [note for note in submission.info.notes if "cannot be imported" in note]
    assert [name for name in files if f"{folder}{name}" in note] == ["data/load.py", "torch/nn.py", "common/grad.py"]


def test_of_two_versions_in_two_folders_the_newest_is_taken(tmp_path: Path, assignment: Assignment) -> None:
    for newest, times in {"one": (2000, 1000), "two": (1000, 2000)}.items():
        folder = tmp_path / newest / "kim-1-A6-O1"
        for name, at in zip(("one", "two"), times, strict=True):
            (folder / name).mkdir(parents=True)
            (folder / name / "two_layers.py").write_bytes(MODULE + f"# {name}\n".encode())
            os.utime(folder / name / "two_layers.py", (at * 10**6, at * 10**6))
        submission = receive(folder.parent, assignment)
        assert submission.files["two_layers.py"].endswith(f"# {newest}\n".encode())
        assert f"took {newest}/two_layers.py" in notes(submission)


def test_endless_versions_of_a_module_are_not_all_parsed(
    make_zip: Zip, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []

    def counted(source: bytes) -> object:
        parsed.append(len(source))
        return parse(source)

    monkeypatch.setattr(locate, "parse", counted)
    for size, most in ((10, 70), (60_000, 20)):
        files = {"two_layers.py": MODULE, **{f"two_layers ({number}).py": b"#" * size for number in range(99)}}
        assert receive(make_zip(files), assignment).files == {"two_layers.py": MODULE}
        assert 2 <= len(parsed) <= most
        parsed.clear()


def test_a_missing_module_is_a_note_that_says_what_was_there(make_zip: Zip, assignment: Assignment) -> None:
    submission = receive(make_zip({"other.py": b"class Layer: pass", "two_layers.pyc": b"x"}), assignment)
    assert not submission.modules
    assert submission.files == {}
    assert "two_layers.py is missing; the submission holds: other.py" in notes(submission)
    assert "compiled" in notes(submission)
    assert "nothing" in notes(receive(make_zip({}), assignment))


def test_the_courses_own_files_are_not_taken_from_students(make_zip: Zip, assignment: Assignment) -> None:
    members = {
        **FULL,
        "common/__init__.py": b"",
        "common/grad.py": b"GRAD = 'easier'\n",
        "common/more.py": b"",
        "common.py": b"GRAD = 3",
        "conftest.py": b"raise SystemExit",
    }
    submission = receive(make_zip(members), assignment)
    assert sorted(submission.files) == ["conftest.py", "two_layers.py"]
    assert "common/grad.py differs from the course's file, which is used instead" in notes(submission)
    assert "common/__init__.py" not in notes(submission)


def test_the_only_notebook_is_taken_whatever_its_name(make_zip: Zip, assignment: Assignment) -> None:
    submission = receive(make_zip({"two_layers.py": MODULE, "assignment7.ipynb": FULL["two_layers.ipynb"]}), assignment)
    assert submission.notebooks
    assert "assignment7.ipynb was taken for two_layers.ipynb" in notes(submission)
    assert "not handed in: best_layers.pt" in notes(submission)


@pytest.mark.parametrize("data", [b"not JSON", b"[]", b'{"cells": 3}', b"[" * 100_000, b"\xff\xfe", b""])
def test_a_broken_notebook_is_only_a_note(make_zip: Zip, assignment: Assignment, data: bytes) -> None:
    submission = receive(make_zip({**FULL, "two_layers.ipynb": data}), assignment)
    assert "two_layers.ipynb cannot be read" in notes(submission)
    assert submission.modules


def test_a_huge_notebook_is_not_read_for_a_name() -> None:
    with pytest.raises(ValueError, match="larger than 64 MiB"):
        read_notebook(b" " * (65 * 1024**2))
    with pytest.raises(ValueError, match="it has far too many items"):
        read_notebook(b'{"cells": [' + b"{}," * 2_000_000 + b"{}]}")
    assert read_notebook(b'{"cells": ["' + b"x" * (20 * 1024**2) + b'"]}').name == ""


def test_the_notebook_speaks_where_the_name_does_not(make_zip: Zip, assignment: Assignment) -> None:
    cell = (
        '%load_ext autoreload\nimport os\nname = "김민수"\nidnum = "2022-12345"\noption = 2\ngroup = ["2022-2 Lee Ji"]'
    )
    submission = receive(make_zip({**FULL, "two_layers.ipynb": notebook("import torch", cell)}, "a6.zip"), assignment)
    info = submission.info
    assert (info.name, info.id, info.option) == ("김민수", "2022-12345", "2")
    assert info.members == (("2022-2", "Lee Ji"),)
    assert "not of the form" in notes(submission)


def test_the_notebook_is_never_executed(make_zip: Zip, assignment: Assignment, tmp_path: Path) -> None:
    cell = f"name = open({str(tmp_path / 'proof')!r}, 'w').name\nidnum = 7"
    info = receive(make_zip({**FULL, "two_layers.ipynb": notebook(cell)}), assignment).info
    assert (info.name, info.id) == ("", "7")
    assert not (tmp_path / "proof").exists()


def test_the_handouts_placeholders_tell_nothing(make_zip: Zip, assignment: Assignment) -> None:
    blank = notebook('name = "your name"\nidnum = 0\noption = 1\ngroup = ["0 you"]')
    submission = receive(
        make_zip({**FULL, "two_layers.ipynb": blank}), assignment, {**CLEAN, "two_layers.ipynb": blank}
    )
    assert (submission.info.name, submission.info.id, submission.info.members) == ("", "", ())


@pytest.mark.parametrize(
    "name, says",
    [("kim-2022123456-A7-O1.zip", "assignment 7"), ("kim-2022123456-A6-O9.zip", "unknown option 9; graded as option 1"),
     ("kim-2022-123457-A6-O1.zip", "the notebook 2022123456"), ("kim-2022123456-A6-O2.zip", "the notebook 1"),
     ("whatever.zip", "not of the form")],
)  # fmt: skip
def test_contradictions_are_noted(make_zip: Zip, assignment: Assignment, name: str, says: str) -> None:
    submission = receive(make_zip(FULL, name), assignment)
    assert says in notes(submission)
    assert submission.info.option == ("2" if "O2" in name else "1")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_group_txt(make_zip: Zip, assignment: Assignment, encoding: str) -> None:
    text = "2022123456 김민수\r\n\r\n# us\n2022-7, Lee Ji Eun\nPark Jane 2022777777\nnobody\n"
    submission = receive(make_zip({**FULL, "group.txt": text.encode(encoding)}), assignment)
    members = (("2022123456", "김민수"), ("2022-7", "Lee Ji Eun"), ("2022777777", "Park Jane"))
    assert submission.info.members == members
    assert "group.txt:6: found 'nobody'" in notes(submission)
    assert "group.txt" not in submission.files


def test_the_digest_follows_what_counts(make_zip: Zip, assignment: Assignment) -> None:
    path = make_zip(FULL)
    first = receive(path, assignment).digest
    assert receive(path, assignment).digest == first
    digests = {first}
    for name, data in FULL.items():
        changed = data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]
        digests.add(receive(make_zip({**FULL, name: changed}), assignment).digest)
    digests.add(receive(path, replace(assignment, due=assignment.due.replace(year=2021))).digest)
    assert len(digests) == 5


def test_a_class_folder(tmp_path: Path, make_zip: Zip, assignment: Assignment) -> None:
    make_zip(FULL, "class/b-2-A6-O1.zip")
    make_zip(FULL, "class/A-1-A6-O1.ZIP")
    make_zip(FULL, "class/Lee Ji_77_assignsubmission_file_/work.zip")
    for folder in ("plain", "empty", ".hidden", "__MACOSX"):
        (tmp_path / "class" / folder).mkdir()
    (tmp_path / "class/plain/two_layers.py").write_bytes(MODULE)
    for name in ("README.md", "make_class.py", "submitted.csv", ".DS_Store"):
        (tmp_path / "class" / name).write_text("submission,submitted_at\nb-2-A6-O1.zip,2022-12-03T00:00+09:00\n")
    (tmp_path / "class/link.zip").symlink_to(tmp_path / "class/b-2-A6-O1.zip")
    (tmp_path / "class/linked").symlink_to(tmp_path / "class/plain")
    inbox = Inbox.open(tmp_path / "class", assignment, CLEAN)
    assert list(inbox.entries) == ["A-1-A6-O1", "b-2-A6-O1", "empty", "Lee Ji_77_assignsubmission_file_", "plain"]
    received = {name: inbox.receive(name) for name in inbox.entries}
    assert [name for name, submission in received.items() if not submission.modules] == ["empty"]
    assert received["b-2-A6-O1"].info.late
    assert not received["A-1-A6-O1"].info.late
    assert "form" not in notes(received["plain"])


def test_one_folder_with_the_module_is_one_submission(tmp_path: Path, assignment: Assignment) -> None:
    folder = tmp_path / "kim"
    (folder / "sub").mkdir(parents=True)
    (folder / "Two_Layers (1).py").write_bytes(MODULE)
    (tmp_path / "submitted.csv").write_text("submission,submitted_at\nkim,2022-12-01T00:00Z\n")
    submission = receive(folder, assignment)
    assert submission.info.submission == "kim"
    assert submission.info.submitted_at == "2022-12-01T09:00:00+09:00"


def test_the_current_folder_has_a_name(tmp_path: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kim").mkdir()
    (tmp_path / "kim/two_layers.py").write_bytes(MODULE)
    monkeypatch.chdir(tmp_path / "kim")
    assert receive(Path("."), assignment).info.submission == "kim"


@pytest.mark.parametrize("make", ["nothing", "empty", "readme"])
def test_nothing_to_grade_is_one_line(tmp_path: Path, make: str) -> None:
    if make != "nothing":
        (tmp_path / make).mkdir()
    if make == "readme":
        (tmp_path / make / "README.md").touch()
    with pytest.raises(UsageError) as caught:
        find_submissions(tmp_path / make, ["two_layers.py"])
    assert "\n" not in str(caught.value)
    assert make in str(caught.value)


def test_what_cannot_be_read_still_has_an_owner(tmp_path: Path, assignment: Assignment) -> None:
    (tmp_path / "kim-2022123456-A6-O2.zip").write_bytes(b"junk")
    inbox = Inbox.open(tmp_path, assignment)
    with pytest.raises(ArchiveError, match="not a zip") as caught:
        inbox.receive("kim-2022123456-A6-O2")
    info = inbox.unreadable("kim-2022123456-A6-O2", str(caught.value))
    assert (info.name, info.id, info.option) == ("kim", "2022123456", "2")
    assert info.notes == (str(caught.value),)


def test_a_folder_around_a_zip_names_whom_the_zip_does_not(
    tmp_path: Path, make_zip: Zip, assignment: Assignment
) -> None:
    for name in (
        "kim_minsu-2022123456-A6-O1/work.zip",
        "Lee Jiwoo/homework.zip",
        "Park/homework.zip",
        "x/c-3-A6-O1.zip",
    ):
        make_zip(FULL, f"class/{name}")
        (tmp_path / "class" / name).with_name("report.pdf").write_bytes(b"%PDF")
    inbox = Inbox.open(tmp_path / "class", assignment)
    wanted = ["kim_minsu-2022123456-A6-O1", "Lee Jiwoo - homework", "Park - homework", "c-3-A6-O1"]
    assert sorted(inbox.entries) == sorted(wanted)
    who = inbox.receive("kim_minsu-2022123456-A6-O1").info
    assert (who.name, who.id) == ("kim_minsu", "2022123456")
    assert any("report.pdf" in note for note in who.notes)


def test_a_learning_systems_folder_names_whom_the_zip_does_not(tmp_path: Path, assignment: Assignment) -> None:
    around = tmp_path / "Kim Minsu_12345_assignsubmission_file_"
    around.mkdir()
    (around / "work.zip").write_bytes(zipped({"two_layers.py": MODULE}))
    assert receive(tmp_path, assignment).info.name == "Kim Minsu"


RENAMED = (
    "two_layers-LAPTOP-7Q2.py", "two_layers (Kim's conflicted copy 2022-12-01).py", "two_layers - Kopie.py",
    "two_layers_backup.py", "lim_2022990118_two_layers.py", "my_layers.py", "two_layers.txt", "two_layers (1).py",
)  # fmt: skip


@pytest.mark.parametrize("name", RENAMED)
@pytest.mark.parametrize("kind", ["stub", "signed", "documented", "export"])
def test_a_file_without_answers_does_not_hide_the_module_under_another_name(
    make_zip: Zip, assignment: Assignment, name: str, kind: str
) -> None:
    """Synchronising keeps the handed-out file beside the work, and "Download .py" makes an export of the notebook."""
    empty = {
        "stub": STUB,
        "signed": b"# Lim Chaewon 2022990118\n" + STUB,
        "documented": STUB.replace(b"def helper():\n", b'def helper():\n    """Mine."""\n'),
        "export": b"# -*- coding: utf-8 -*-\nfrom two_layers import Layer\nlayer = Layer()\n",
    }[kind]
    submission = receive(make_zip({"two_layers.py": empty, name: MODULE}), assignment)
    assert submission.files["two_layers.py"] == MODULE
    assert f"took {name}, not two_layers.py" in notes(submission)
    alone = receive(make_zip({"two_layers.py": empty}), assignment)
    assert alone.files == {"two_layers.py": empty}


def test_the_module_with_the_most_answers_is_taken(make_zip: Zip, assignment: Assignment) -> None:
    whole = b"class Layer:\n    def forward(self, x):\n        return x\n\n\ndef helper():\n    return 1\n"
    half = whole.replace(b"return 1", b"raise NotImplementedError")
    for files in (
        {"two_layers.py": half, "A6/two_layers.py": whole},
        {"two_layers.py": half, "two_layers (1).py": whole},
        {"A6/v1/two_layers.py": half + b"# x\n", "A6/v2/two_layers.py": whole},
    ):
        assert receive(make_zip(files, "kim-1-A6-O1.zip"), assignment).files["two_layers.py"] == whole
    broken = whole + b"def f(:\n"
    assert receive(make_zip({"two_layers.py": STUB, "new/two_layers.py": broken}), assignment).files == {
        "two_layers.py": broken
    }


def test_a_stub_beside_the_zip_with_the_work_is_not_graded(
    make_zip: Zip, assignment: Assignment, tmp_path: Path
) -> None:
    inner = zipped({"two_layers.py": MODULE, "two_layers.ipynb": FULL["two_layers.ipynb"]})
    files = {"A6/two_layers.py": STUB, "A6/two_layers.ipynb": b"{}", "A6/lim-2022990118-A6-O1.zip": inner}
    assert receive(make_zip(files), assignment).files == {"two_layers.py": MODULE}
    for name, data in files.items():
        path = tmp_path / "in/Lim Chaewon" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert receive(tmp_path / "in", assignment).files == {"two_layers.py": MODULE}


@pytest.mark.parametrize(
    "name",
    ["best_layers.pth", "best_layers_best.pt", "han_2022990101_best_layers.pt", "best_layers의 사본.pt",
     "best_layers (Kopie).pth"],
)  # fmt: skip
def test_an_artifact_under_another_name_is_taken(make_zip: Zip, assignment: Assignment, name: str) -> None:
    submission = receive(make_zip({"two_layers.py": MODULE, name: b"1"}), assignment)
    assert submission.artifacts == {"best_layers.pt": b"1"}
    assert f"{show(name)} was taken for best_layers.pt" in notes(submission)


def test_one_of_two_possible_artifacts_is_not_chosen_by_chance(make_zip: Zip, assignment: Assignment) -> None:
    files = {"two_layers.py": MODULE, "a_best_layers.pt": b"1", "b_best_layers.pt": b"2"}
    submission = receive(make_zip(files), assignment)
    assert submission.artifacts == {}
    assert "not handed in: two_layers.ipynb, best_layers.pt" in notes(submission)
    two = replace(assignment, components=(Component("two_layers", "", ("layers.pt", "best_layers.pt")),))
    for names in (["my_best_layers.pt", "my_layers.pt"], ["my_layers.pt", "best_layers.pt"]):
        received = receive(make_zip({"two_layers.py": MODULE, **{name: name.encode() for name in names}}), two)
        assert received.artifacts == {
            "layers.pt": b"my_layers.pt",
            "best_layers.pt": next(name for name in names if "best" in name).encode(),
        }


def test_a_notebook_that_colab_copied_is_taken(make_zip: Zip, assignment: Assignment) -> None:
    first, second = Component("two_layers", "two_layers.ipynb"), Component("more", "more.ipynb")
    two = replace(assignment, components=(first, second))
    for name in ("two_layers_ipynb의_사본.ipynb", "two_layers의 사본.ipynb", "kim_two_layers.ipynb"):
        files = {"two_layers.py": MODULE, "more.py": b"", name: notebook("a = 1"), "more.ipynb": notebook("b = 1")}
        received = receive(make_zip(files), two)
        assert received.notebooks == {"two_layers.ipynb": files[name], "more.ipynb": files["more.ipynb"]}


def test_work_deep_in_folders_is_found(make_zip: Zip, assignment: Assignment) -> None:
    deep = "Users/kim/Library/Mobile Documents/com~apple~CloudDocs/Documents/School/2022/Fall/DL/Assignments/A6/two/"
    for folder in (deep, "/".join(["딥러닝 응용 과제 여섯 번째 최종 제출"] * 6) + "/"):
        assert receive(make_zip({f"{folder}two_layers.py": MODULE}), assignment).files == {"two_layers.py": MODULE}


@pytest.mark.parametrize(
    "module",
    ["from parts import *\n", "from parts import Layer\nfrom more import helper\n", "import os\n\nos._exit(0)\n",
     "import parts\n\nLayer = parts.Layer\n", "try:\n    from parts import Layer\nexcept ImportError:\n    pass\n"],
)  # fmt: skip
def test_a_module_that_gets_its_answers_elsewhere_stays_the_module(
    make_zip: Zip, assignment: Assignment, module: str
) -> None:
    files = {"two_layers.py": module.encode(), "parts.py": MODULE, "more.py": b"def helper(): return 1\n"}
    assert receive(make_zip(files), assignment).files == files


def test_a_module_that_is_too_long_to_parse_stays_the_module(make_zip: Zip, assignment: Assignment) -> None:
    long = MODULE + b"# x\n" * 80_000
    files = {"two_layers.py": long, "parts.py": MODULE}
    assert receive(make_zip(files), assignment).files == files

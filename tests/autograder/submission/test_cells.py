"""A student's answers and own cells on a clean notebook: kept, added, restored, moved."""

from __future__ import annotations

import copy
from typing import Any

import nbformat
import pytest

from autograder.submission.clean.notebook import carry_notebook, cells_order, notebook_bytes, who_says
from autograder.submission.receive.identity import NotebookSays

Notebook = dict[str, Any]

WHO = '# Fill in.\nname = ""\nidnum = ""\noption = 1\ngroup = []'


def code(source: str, id: str, count: int | None = None) -> Notebook:
    outputs = [{"output_type": "stream", "name": "stdout", "text": source}] if count else []
    return {
        "cell_type": "code",
        "id": id,
        "metadata": {},
        "source": source,
        "outputs": outputs,
        "execution_count": count,
    }


def text(source: str, id: str, *tags: str) -> Notebook:
    return {"cell_type": "markdown", "id": id, "metadata": {"tags": list(tags)} if tags else {}, "source": source}


@pytest.fixture
def clean() -> Notebook:
    cells = [
        text("# Title", "title"),
        code(WHO, "who"),
        code("import torch", "imports"),
        text("**Question 1.** Why?", "ask-1"),
        text("*Your answer:*", "answer-1", "answer"),
        code("x = 1\nx", "given"),
        text("Some words.\n\n**Question 2.** How?\nTell.", "ask-2"),
        text("*Your answer:*", "answer-2", "answer"),
        code('def f():\n    raise NotImplementedError("half")', "stub"),
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def student(clean: Notebook) -> Notebook:
    return copy.deepcopy(clean)


def carry(
    clean: Notebook, student: Notebook, who: NotebookSays | None = None
) -> tuple[list[str], dict[str, list[Any]]]:
    """The sources of the cells, and the report as (number, begins)."""
    carried = carry_notebook(notebook_bytes(clean), notebook_bytes(student), who)
    nbformat.validate(nbformat.from_dict(carried.notebook))
    kinds = ("answered", "blank", "added", "restored", "moved")
    report = {kind: [(part.number, part.begins) for part in getattr(carried, kind)] for kind in kinds}
    return [cell["source"] for cell in carried.notebook["cells"]], report


def sources(notebook: Notebook) -> list[str]:
    return [cell["source"] for cell in notebook["cells"]]


def without_ids(notebook: Notebook) -> None:
    """As a tool saves it that knows the older format."""
    for cell in notebook["cells"]:
        del cell["id"]
    notebook["nbformat_minor"] = 4


def in_colab(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {"id": cell.pop("id")}
    notebook["nbformat_minor"] = 0


def as_they_are(notebook: Notebook) -> None:
    pass


def test_the_clean_notebook_itself(clean: Notebook) -> None:
    found, report = carry(clean, clean)
    assert found == sources(clean)
    assert report == {
        "answered": [],
        "blank": [(5, "**Question 1.** Why?"), (8, "**Question 2.** How?"), (9, "def f():")],
        "added": [],
        "restored": [],
        "moved": [],
    }


@pytest.mark.parametrize("saved", [as_they_are, without_ids, in_colab])
def test_answers_values_and_own_cells_are_carried(clean: Notebook, student: Notebook, saved: Any) -> None:
    student["cells"][1]["source"] = 'name = "Kim Minsu"\nidnum = "20221"\noption = 2\ngroup = ["20222 Lee"]'
    student["cells"][4]["source"] = "Because."
    student["cells"][8]["source"] = "def f():\n    return 2"
    student["cells"][6:6] = [code("print(x)", "own", 7), text("A thought.", "thought")]
    saved(student)
    found, report = carry(clean, student)
    assert found[1] == '# Fill in.\nname = "Kim Minsu"\nidnum = "20221"\noption = 2\ngroup = ["20222 Lee"]'
    assert found[4] == "Because."
    assert found[5:8] == ["x = 1\nx", "print(x)", "A thought."]
    assert found[10] == "def f():\n    return 2"
    assert report["added"] == [(7, "print(x)"), (8, "A thought.")]
    assert report["answered"] == [(5, "**Question 1.** Why?"), (11, "def f():")]
    assert report["blank"] == [(10, "**Question 2.** How?")]
    assert not report["restored"]


def test_given_cells_come_back(clean: Notebook, student: Notebook) -> None:
    student["cells"][5]["source"] = "x = 2\nx"
    del student["cells"][2]
    found, report = carry(clean, student)
    assert found == sources(clean)
    assert report["restored"] == [(0, "import torch"), (5, "x = 2")]


def test_of_two_cells_with_one_id_the_given_one_is_given(clean: Notebook, student: Notebook) -> None:
    """As from a tool that copies ids; the student's own was once taken for the given cell, and dropped."""
    student["cells"].insert(5, code("print('own')", "given"))
    found, report = carry(clean, student)
    assert found == [*sources(clean)[:5], "print('own')", *sources(clean)[5:]]
    assert report["added"] == [(6, "print('own')")]
    assert not report["restored"]


def test_an_order_is_put_right_and_told(clean: Notebook, student: Notebook) -> None:
    student["cells"].insert(1, student["cells"].pop(5))
    found, report = carry(clean, student)
    assert found == sources(clean)
    assert report["moved"] == [(2, "x = 1")]


def test_trailing_blanks_are_no_change(clean: Notebook, student: Notebook) -> None:
    student["cells"][5]["source"] = "x = 1  \nx\n"
    assert not carry(clean, student)[1]["restored"]


def test_what_the_caller_says_comes_first(clean: Notebook, student: Notebook) -> None:
    student["cells"][1]["source"] = WHO.replace('name = ""', 'name = "Kim"')
    found, _ = carry(clean, student, NotebookSays('이 "도아"', "20229", "1", (("20228", "Han"),)))
    says = who_says(notebook_bytes({**clean, "cells": [code(found[1], "who")]}))
    assert says == NotebookSays('이 "도아"', "20229", "1", (("20228", "Han"),))


def test_outputs_stay_where_the_code_is_the_same(clean: Notebook, student: Notebook) -> None:
    student["cells"][2] = code("import torch", "imports", 1)
    student["cells"][5] = code("x = 3", "given", 2)
    carried = carry_notebook(notebook_bytes(clean), notebook_bytes(student))
    cells = {cell["id"]: cell for cell in carried.notebook["cells"]}
    assert cells["imports"]["execution_count"] == 1
    assert cells["imports"]["outputs"]
    assert cells["given"]["execution_count"] is None
    assert cells["given"]["outputs"] == []


def test_images_of_an_answer_are_carried(clean: Notebook, student: Notebook) -> None:
    picture = {"plot.png": {"image/png": "aGVsbG8="}}
    student["cells"][4] |= {"source": "![](attachment:plot.png)", "attachments": picture}
    carried = carry_notebook(notebook_bytes(clean), notebook_bytes(student))
    assert carried.notebook["cells"][4]["attachments"] == picture


def test_ids_are_unique_and_the_bytes_are_the_same_again(clean: Notebook, student: Notebook) -> None:
    student["cells"][3:3] = [code("1", "imports"), code("1", "imports"), code("2", "no id/that counts")]
    student["cells"].append(code("", "empty"))
    first, second = (carry_notebook(notebook_bytes(clean), notebook_bytes(student)).notebook for _ in range(2))
    ids = [cell["id"] for cell in first["cells"]]
    assert len(set(ids)) == len(ids) == len(clean["cells"]) + 3
    assert notebook_bytes(first) == notebook_bytes(second)


def test_no_notebook_at_all(clean: Notebook) -> None:
    carried = carry_notebook(notebook_bytes(clean), None)
    assert [cell["source"] for cell in carried.notebook["cells"]] == sources(clean)
    assert len(carried.blank) == 3


@pytest.mark.parametrize(
    "data, why",
    [(b"", "it is empty"), (b" \n", "it is empty"), (b"\xff\xfe", "it is empty"), (b"\0" * 9, "it is empty"),
     (b"{}", "no cells"), (b"[]", "no cells"), (b"\xff", "not JSON"), (b'{"cells": 3}', "no cells"),
     (b'{"worksheets": 3}', "no cells"), (b"[" * 100_000, "not JSON"), (b"PK\x03\x04\0\x80", "not JSON"),
     (b'{\n<<<<<<< HEAD\n "cells": []\n=======\n "cells": [1]\n>>>>>>> b\n}', "it has conflict markers of git")],
)  # fmt: skip
def test_what_is_no_notebook_is_refused(clean: Notebook, data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        carry_notebook(notebook_bytes(clean), data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8", "utf-32"])
@pytest.mark.parametrize("tail", [b"", b"\0" * 512])
def test_a_notebook_as_editors_and_shells_leave_it_is_read(
    clean: Notebook, student: Notebook, encoding: str, tail: bytes
) -> None:
    student["cells"][4]["source"] = "내 답"
    saved = notebook_bytes(student).decode().encode(encoding) + tail
    carried = carry_notebook(notebook_bytes(clean), saved)
    assert sources(carried.notebook) == sources(student)


def test_a_notebook_of_the_format_before_is_read(clean: Notebook, student: Notebook) -> None:
    student["cells"][4]["source"] = "My answer"
    student["cells"][0] = {"cell_type": "heading", "level": 1, "metadata": {}, "source": "Title"}
    for cell in student["cells"]:
        if cell["cell_type"] == "code":
            cell["input"] = [cell.pop("source")]
            cell["outputs"] = [{"output_type": "pyout", "text": "1", "prompt_number": 1}]
    old = {"worksheets": [{"cells": [*student["cells"], 7], "metadata": {}}, 7], "nbformat": 3, "nbformat_minor": 0}
    found, _ = carry(clean, old)
    assert "My answer" in found
    assert set(sources(clean)) - set(found) <= {"*Your answer:*"}


def test_odd_cells_do_no_harm(clean: Notebook) -> None:
    odd = [7, {}, {"cell_type": "code"}, {"cell_type": "code", "source": [1, "a"], "outputs": 3, "metadata": []}]
    odd += [{"cell_type": "markdown", "source": {"a": 1}, "metadata": {"tags": 3, "id": []}, "id": 9}]
    found, report = carry(clean, {"cells": odd})
    assert "a" in found
    assert len(report["restored"]) == 5


def test_cells_order() -> None:
    def order(*counts: int | None) -> tuple[int, int]:
        cells = [code(f"{turn}", f"c{turn}", count) for turn, count in enumerate(counts)]
        return cells_order([*cells, code(" ", "empty")])

    assert order(1, 2, 3) == (0, 0)
    assert order(1, None, 3) == (1, 0)
    assert order(2, 1, 3) == (0, 2)
    assert order(4, 5, 6) == (0, 3)

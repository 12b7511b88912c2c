"""Notebook source to notebook: deterministic, clean, valid; and every way a source can be wrong."""

from __future__ import annotations

import json

import nbformat
import pytest

from autograder.authoring.notebooks import build_notebook, notebook_text
from autograder.errors import AuthoringError

QUESTIONS = ("half", "quarter-of")


def write(tmp_path, text):
    file = tmp_path / "book.nb.py"
    file.write_text(text)
    return file


def test_the_notebook_is_valid_clean_and_always_the_same(workshop):
    source = workshop.source / "halves.nb.py"
    text = notebook_text(source, QUESTIONS)
    assert text == notebook_text(source, QUESTIONS)
    notebook = json.loads(text)
    nbformat.validate(nbformat.from_dict(notebook))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    for cell in notebook["cells"]:
        assert set(cell["metadata"]) <= {"tags"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_ids_follow_content_and_equal_cells_have_different_ones(workshop):
    source = workshop.source / "halves.nb.py"
    before = build_notebook(source, QUESTIONS).cells
    assert len({cell.id for cell in before}) == len(before)
    workshop.edit(source, "See `halves.py`.", "Look at `halves.py`.")
    after = build_notebook(source, QUESTIONS).cells
    assert [old.id == new.id for old, new in zip(before, after, strict=True)] == [False] + [True] * (len(before) - 1)


def test_solutions_are_stripped_magics_and_answer_cells_kept(workshop):
    source = workshop.source / "halves.nb.py"
    cells = build_notebook(source, QUESTIONS).cells
    assert cells[1].source.startswith("%load_ext autoreload\n%autoreload 2\nimport otter")
    assert cells[2].source == 'print("hello")'
    assert cells[4].cell_type == "markdown"
    assert cells[4].metadata == {"tags": ["answer"]}
    solved = build_notebook(source, QUESTIONS, solved=True).cells
    assert "secret_of_the_notebook = 42" in solved[2].source


def test_a_region_with_an_id_becomes_a_raise(tmp_path):
    file = write(tmp_path, "# %%\ndef f():\n    # BEGIN SOLUTION half\n    return 1\n    # END SOLUTION\n")
    assert build_notebook(file, QUESTIONS).cells[0].source.endswith('    raise NotImplementedError("half")')


WRONG = {
    "no cell": ("x = 1\n", 1, "no cell"),
    "empty": ("", 1, "no cell"),
    "text before": ("x = 1\n# %%\ny = 2\n", 1, "before the first cell"),
    "unknown kind": ("# %%\nx = 1\n\n# %% [markdwon]\n# hi\n", 4, "kind 'markdwon'"),
    "bare text": ("# %% [markdown]\n# hi\nthere\n", 3, "must start with '# '"),
    "syntax": ("# %%\nx = 1\n\n# %%\ny = 2\nif y\n", 6, "not Python"),
    "unknown question": ("# %%\n\n# BEGIN SOLUTION third\nx = 1\n# END SOLUTION\n", 3, "unknown question"),
    "unclosed": ("# %%\nx = 1\n# %%\n# BEGIN SOLUTION\nx = 1\n", 4, "never closed"),
    "in a text cell": ("# %% [markdown]\n# # BEGIN SOLUTION\n# Yes.\n# # END SOLUTION\n", 2, "text cell"),
    "leaves no Python": ("# %%\nif True:\n    # BEGIN SOLUTION\n    x = 1\n    # END SOLUTION\n", 2, "not Python"),
}


@pytest.mark.parametrize("source, line, problem", WRONG.values(), ids=WRONG)
def test_a_wrong_source_is_refused_in_one_line(tmp_path, source, line, problem):
    with pytest.raises(AuthoringError, match=problem) as caught:
        build_notebook(write(tmp_path, source), QUESTIONS)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_a_broken_header_does_no_harm(tmp_path):
    file = write(tmp_path, "# ---\n# jupyter: [\n# ---\n\n# %%\nx = 1\n")
    assert build_notebook(file, QUESTIONS).cells[0].source == "x = 1"


@pytest.mark.parametrize("code", ["await thing()", "!ls", "%%time\nx = 1", "x?", "%matplotlib inline"])
def test_what_only_a_kernel_understands_is_no_error(tmp_path, code):
    commented = code if not code.startswith("%") else "\n".join(f"# {line}" for line in code.split("\n"))
    assert build_notebook(write(tmp_path, f"# %%\n{commented}\n"), QUESTIONS).cells[0].cell_type == "code"

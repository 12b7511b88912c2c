"""A course with a rule of its own, the one that the page for authors shows: no line of the engine knows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autograder.course.layout import Course
from autograder.errors import UsageError
from tests.autograder.conftest import ROOT, Toy


def shown() -> str:
    """The table that docs/add-an-assignment.md adds to rules.toml."""
    page = (ROOT / "docs/add-an-assignment.md").read_text(encoding="utf-8")
    block = re.search(r"(?:^    .*\n|^\n)+", page[page.index("    [sorting]") :], flags=re.MULTILINE)
    assert block
    return re.sub(r"^    ", "", block[0], flags=re.MULTILINE)


@pytest.fixture
def ruled(toy: Toy) -> Toy:
    (toy.root / "solutions/rules.toml").write_text(shown())
    manifest = toy.root / "solutions/t1_toy/assignment.toml"
    manifest.write_text(
        manifest.read_text().replace('component = "double"', 'component = "double"\nrules = ["sorting"]')
    )
    return toy


def test_a_rule_of_the_courses_own(ruled: Toy, tmp_path: Path) -> None:
    honest = ("return SCALE * x", "return SCALE * x + 0 * torch.searchsorted(torch.arange(3.0), torch.ones(())).to(x)")
    sorts = ("return SCALE * x", "return SCALE * torch.sort(x)[0]")
    hides = (
        "return SCALE * x",
        "\n    ".join(["try:", "    return SCALE * x.msort()", "except Exception:", "    return SCALE * x"]),
    )
    ruled.submit("honest", honest)
    ruled.submit("sorts", sorts)
    ruled.submit("hides", hides)
    done = ruled.run("grade", "t1", ruled.submitted, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    found = {
        name: json.loads((tmp_path / "out" / name / "result.json").read_text()) for name in ("honest", "sorts", "hides")
    }
    assert found["honest"]["score"] == 10
    for name, line in (("sorts", 9), ("hides", 10)):
        case = found[name]["questions"][0]["cases"][0]
        assert (case["outcome"], case["message"]) == (
            "forbidden",
            "used torch's sorting, which this question rules out",
        )
        assert case["location"] == f"toy.py:{line}"
        assert found[name]["questions"][0]["score"] == 0
    assert [note for note in found["sorts"]["notes"] if "torch.sort" in note]
    assert not [note for note in found["honest"]["notes"] if "line" in note]


def test_an_unknown_rule_is_refused_by_name(ruled: Toy) -> None:
    manifest = ruled.root / "solutions/t1_toy/assignment.toml"
    manifest.write_text(manifest.read_text().replace('"sorting"', '"convolution"'))
    with pytest.raises(UsageError, match=r"questions\[0\]\.rules\[0\]: found 'convolution', wanted one of sorting"):
        Course(ruled.root).assignment("t1")


@pytest.mark.parametrize(
    "old, new, key, wanted",
    [
        ("says = ", "# says = ", "sorting.says", "text"),
        ('["sort",', '["(",', "sorting.operators[0]", "a regular expression"),
        ("operators", "operator", "sorting.operator", "a key"),
        ("[sorting]", '[sorting]\nengine = "jax"', "sorting.engine", "one of autograd"),
        ('= "Looks', '= 3 # "Looks', "sorting.allowed.aten::searchsorted", "the reason why"),
        ("sorting", "Sorting", "Sorting", "lower-case words"),
    ],
)
def test_a_wrong_rule_is_refused(toy: Toy, old: str, new: str, key: str, wanted: str) -> None:
    assert old in shown()
    (toy.root / "solutions/rules.toml").write_text(shown().replace(old, new))
    with pytest.raises(UsageError, match=re.escape(f"rules.toml: {key}: found")) as caught:
        Course(toy.root).rules  # noqa: B018
    assert wanted in str(caught.value)

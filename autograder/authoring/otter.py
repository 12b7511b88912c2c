"""Writes otter's test files, which `grader.check("conv-forward")` runs in a notebook.

Each file names the public cases of one question, so that otter shows a verdict for each. `checks.public.otter` runs
them. The format is otter's exception-based one, in ASCII: otter reads the file in the machine's encoding.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["otter_test"]

HEAD = '''"""Public checks of {question}, for otter: grader.check("{question}"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "{question}"
checks = PublicQuestion(name)
'''

CASE = """

@test_case(name={case})
def case_{number}():
    checks.require({case})
"""


def otter_test(question: str, cases: Sequence[str]) -> str:
    """The test file `<question>.py`.

    Args:
        question: the question's id.
        cases: ids of its public cases, in the order in which otter shows them.
    """
    blocks = [CASE.format(case=ascii(case).replace("'", '"'), number=n) for n, case in enumerate(cases, start=1)]
    return HEAD.format(question=question) + "".join(blocks)

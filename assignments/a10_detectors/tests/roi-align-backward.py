"""Public checks of roi-align-backward, for otter: grader.check("roi-align-backward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "roi-align-backward"
checks = PublicQuestion(name)


@test_case(name="align_gradient")
def case_1():
    checks.require("align_gradient")


@test_case(name="align_gradient_of_shared_cells")
def case_2():
    checks.require("align_gradient_of_shared_cells")

"""Public checks of roi-pool-backward, for otter: grader.check("roi-pool-backward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "roi-pool-backward"
checks = PublicQuestion(name)


@test_case(name="pool_gradient")
def case_1():
    checks.require("pool_gradient")


@test_case(name="pool_gradient_of_a_shared_cell")
def case_2():
    checks.require("pool_gradient_of_a_shared_cell")

"""Public checks of roi-pool-forward, for otter: grader.check("roi-pool-forward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "roi-pool-forward"
checks = PublicQuestion(name)


@test_case(name="pool_by_hand")
def case_1():
    checks.require("pool_by_hand")


@test_case(name="pool_both_ends")
def case_2():
    checks.require("pool_both_ends")

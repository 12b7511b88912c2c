"""Public checks of transposed-forward, for otter: grader.check("transposed-forward"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "transposed-forward"
checks = PublicQuestion(name)


@test_case(name="five_by_five_and_its_trimmed_version")
def case_1():
    checks.require("five_by_five_and_its_trimmed_version")


@test_case(name="forward_where_no_two_sizes_are_equal")
def case_2():
    checks.require("forward_where_no_two_sizes_are_equal")


@test_case(name="sizes_go_back_and_forth")
def case_3():
    checks.require("sizes_go_back_and_forth")

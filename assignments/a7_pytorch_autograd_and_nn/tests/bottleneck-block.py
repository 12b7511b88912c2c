"""Public checks of bottleneck-block, for otter: grader.check("bottleneck-block"). Generated; edits are lost."""

from autograder.checks.public.otter import PublicQuestion
from otter.test_files import test_case

OK_FORMAT = False
name = "bottleneck-block"
checks = PublicQuestion(name)


@test_case(name="count[ResidualBottleneck-3-3-180]")
def case_1():
    checks.require("count[ResidualBottleneck-3-3-180]")


@test_case(name="count[ResidualBottleneck-3-10-1496]")
def case_2():
    checks.require("count[ResidualBottleneck-3-10-1496]")


@test_case(name="block[ResidualBottleneck-same-channels]")
def case_3():
    checks.require("block[ResidualBottleneck-same-channels]")


@test_case(name="block[ResidualBottleneck-more-channels]")
def case_4():
    checks.require("block[ResidualBottleneck-more-channels]")


@test_case(name="block[ResidualBottleneck-smaller]")
def case_5():
    checks.require("block[ResidualBottleneck-smaller]")


@test_case(name="block[ResidualBottleneck-smaller-and-more-channels]")
def case_6():
    checks.require("block[ResidualBottleneck-smaller-and-more-channels]")


@test_case(name="bottleneck_identity")
def case_7():
    checks.require("bottleneck_identity")


@test_case(name="network_of_bottlenecks")
def case_8():
    checks.require("network_of_bottlenecks")

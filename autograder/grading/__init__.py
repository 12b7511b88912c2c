"""Grades submissions: one in a forked child, a class of them in parallel; scoring is pure."""

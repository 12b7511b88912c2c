"""Pages, tables and files made from results. Nothing here grades."""

from autograder.reports.files.gradescsv import grades_csv
from autograder.reports.files.write import (
    new_file,
    write_class,
    write_file,
    write_reports,
    write_submission,
    written_as_is,
)
from autograder.reports.findings.decisions import DECISIONS, Decisions
from autograder.reports.findings.rescored import ScoreChange, score_changes
from autograder.reports.findings.view import StudentView, student_view
from autograder.reports.pages.classpage import ClassGrades, render_class
from autograder.reports.pages.profile import print_profile
from autograder.reports.pages.student import render_student
from autograder.reports.pages.terminal import Progress, print_class
from autograder.reports.pages.termpage import render_term

__all__ = [
    "DECISIONS",
    "ClassGrades",
    "Decisions",
    "Progress",
    "ScoreChange",
    "StudentView",
    "grades_csv",
    "new_file",
    "print_class",
    "print_profile",
    "render_class",
    "render_student",
    "render_term",
    "score_changes",
    "student_view",
    "write_class",
    "write_file",
    "write_reports",
    "write_submission",
    "written_as_is",
]

"""Pages, tables and files made from results: pure views, no grading."""

from autograder.reports.classpage import render_class
from autograder.reports.decisions import DECISIONS, Decisions
from autograder.reports.gradescsv import grades_csv
from autograder.reports.student import render_student
from autograder.reports.terminal import Progress, print_class
from autograder.reports.view import StudentView, student_view
from autograder.reports.write import write_class, write_file, write_reports, write_submission

__all__ = [
    "DECISIONS",
    "Decisions",
    "Progress",
    "StudentView",
    "grades_csv",
    "print_class",
    "render_class",
    "render_student",
    "student_view",
    "write_class",
    "write_file",
    "write_reports",
    "write_submission",
]

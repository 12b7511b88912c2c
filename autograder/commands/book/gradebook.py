"""autograder gradebook: shows the book, reads the roster, enters decisions, erases people, copies the book."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from autograder.commands import arguments
from autograder.commands.linux import require_linux
from autograder.course.layout import Course
from autograder.errors import UsageError

if TYPE_CHECKING:  # a student's machine has no database
    from autograder.course.model import Assignment
    from autograder.gradebook.facts import Decision, Facts
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book
    from autograder.grading.entering import Wish

__all__ = ["add", "run"]

EXAMPLE = """examples:
  autograder gradebook --out graded/
      the content of the book: assignments, students, held grades
  autograder gradebook roster roster.csv --out graded/
  autograder gradebook set a6 2022990101 extension 48 --why "ill, note of 1 Dec" --out graded/
  autograder gradebook set a6 kim-2022990111-A6-O1 points 3.5 --question pool --why "unfair" --out graded/
  autograder gradebook enter decisions.csv --out graded/
      columns: student or submission, kind, value, why, question, assignment; enters all rows or none
  autograder gradebook log a6 2022990101 --out graded/
  autograder gradebook erase 2022990101 --out graded/
  autograder gradebook erase --before 2023-03-01 --out graded/
  autograder gradebook copy sqlite:////backup/gradebook.db --out graded/
"""
EXAMPLES = {
    "roster": """
  autograder gradebook roster roster.csv --out graded/
      columns: id, name, email; or the school's own table
""",
    "set": """
  autograder gradebook set a6 2022990101 extension 48 --why "ill, note of 1 Dec" --out graded/
  autograder gradebook set a6 kim-2022990111-A6-O1 points 3.5 --question pool --why "unfair" --out graded/
  autograder gradebook set a6 2022990101 answer "you are right; points added" --question pool --out graded/
      answers the student's request about this question
""",
    "enter": """
  autograder gradebook enter decisions.csv --out graded/
      a row: 2022990101,extension,48,"ill, note of 1 Dec" under the header student,kind,value,why
""",
    "log": """
  autograder gradebook log a6 2022990101 --out graded/
""",
    "erase": """
  autograder gradebook erase 2022990101 --out graded/
      removes the person from the book and writes the pages in graded/ again
""",
    "copy": """
  autograder gradebook copy postgresql+psycopg://kim@grades/gev6135 --out graded/
""",
}
ENTER = """Enter a table of decisions: all rows, or none if one is wrong.

The columns are student or submission, kind, value, why, question, assignment. The kinds are those of
`autograder gradebook set --help`. A row without an assignment is about ASSIGNMENT; without both, about the only
assignment of the book.
"""

KINDS = """Enter one decision. WHOM is a student's id, or a submission's name; VALUE null withdraws the last one.

kind       value                                    about         needs --why
extension  hours, or a date and time as deadline   a student     yes
excused    true                                     a student     yes
adjust     points, signed                           a student     yes
hold       text                                     a student     yes
free_days  a whole number                           a student
counts     a submission's name                      a student
request    text                                     a student
answer     text                                     a student
points     points of --question                     a submission  yes
owner      ids, separated by spaces                 a submission  yes
arrived    a date and time                          a submission
scale      0 to 1                                   a submission
comment    text for the student's page              a submission
note       text for the staff                       a submission or a student
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "gradebook",
        help="roster, extensions, points and other decisions of people",
        description="Show the gradebook, and enter people's decisions. `autograder report` writes them on the pages.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _where(parser, {"default": None}, {"default": ""})
    parser.set_defaults(run=run, action=_summary)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    for name, action, words, texts in (
        ("roster", _roster, "read the members of the course from a table", ("file",)),
        ("set", _set, "enter one decision", ("assignment", "whom", "kind", "value")),
        ("enter", _enter, "enter a table of decisions", ()),
        ("log", _log, "list decisions", ()),
        ("erase", _erase, "remove a person's name, results and texts; scores stay under a code", ()),
        ("copy", _copy, "copy the whole book into another, empty one", ("url",)),
    ):
        each = actions.add_parser(
            name,
            help=words,
            description={"set": KINDS, "enter": ENTER}.get(name, f"{words[0].upper()}{words[1:]}."),
            epilog=f"example:{EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == "erase":
            each.add_argument("student", metavar="STUDENT", nargs="?", default="")
            each.add_argument("--before", metavar="DATE", default="", help="everybody whose last submission is older")
        for text in texts:
            each.add_argument(text, metavar=text.upper(), type=arguments.path if text == "file" else str)
        if name == "roster":
            each.add_argument("--id-column", metavar="NAME", default="", help="the column that says who it is")
        if name == "log":
            each.add_argument("assignment", metavar="ASSIGNMENT", nargs="?", default="")
            each.add_argument("student", metavar="STUDENT", nargs="?", default="")
        if name == "enter":
            each.add_argument("assignment", metavar="ASSIGNMENT", nargs="?", default="")
            each.add_argument("file", metavar="FILE", type=arguments.path)
        if name == "set":
            each.add_argument("--why", default="", help="the reason; some kinds need one")
            each.add_argument("--question", default="", help="the question that the decision is about")
        if name in ("set", "enter"):
            each.add_argument("--as", dest="who", metavar="NAME", default="", help="who decides (your login name)")
        each.set_defaults(action=action)
        _where(each, {"default": argparse.SUPPRESS}, {"default": argparse.SUPPRESS})


def _where(parser: argparse.ArgumentParser, out: dict[str, Any], book: dict[str, Any]) -> None:
    """Options for the place of the book; allowed before and after an action's name."""
    parser.add_argument(
        "--out", metavar="DIR", type=arguments.path, help="the folder of results that holds the book", **out
    )
    parser.add_argument("--book", metavar="URL", help="the book's address (DIR/gradebook.db)", **book)


def run(args: argparse.Namespace, console: Console) -> int:
    """Open the book and run the action. Returns 0."""
    require_linux("the gradebook")
    from autograder.gradebook.settings import Settings
    from autograder.gradebook.store import Book

    settings = Settings.read(Course.find(args.course))
    may_make = args.action is _roster
    with Book.open(settings.book(args.book, args.out), create=may_make) as book:
        action: Callable[[Book, Settings, argparse.Namespace, Console], None] = args.action
        action(book, settings, args, console)
    return 0


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)


def _summary(book: Book, settings: Settings, args: argparse.Namespace, console: Console) -> None:
    from autograder.gradebook.grades import State, grades

    facts = book.sound(book.facts())
    named = {each.assignment for each in facts.submissions}
    roster = sum(each.active for each in facts.students)
    _say(console, f"{book.address}: {len(facts.students)} students, {roster} of them on the roster")
    found = grades(facts, (terms for terms in settings.all_terms() if terms.id in named))
    for assignment in sorted(named):
        own = [grade for grade in found if grade.assignment == assignment]
        counts = ", ".join(f"{sum(each.state is state for each in own)} {state}" for state in State)
        runs = sum(run.assignment == assignment for run in facts.runs)
        releases = book.releases(assignment)
        last = f"; release {releases[-1].id} ({releases[-1].at}, {releases[-1].who})" if releases else ""
        _say(console, f"{assignment}: {counts}; {runs} {'run' if runs == 1 else 'runs'}{last}")
        for grade in own:
            if grade.state is State.HELD:
                _say(console, f"  held: {grade.student}  {'; '.join(grade.reasons)}")


def _roster(book: Book, settings: Settings, args: argparse.Namespace, console: Console) -> None:
    from autograder.gradebook.table import read_roster

    _say(console, f"{book.add_roster(read_roster(args.file, args.id_column))} students are on the roster now")


def _set(book: Book, settings: Settings, args: argparse.Namespace, console: Console) -> None:
    from autograder.gradebook.store import who
    from autograder.grading.entering import Wish, wanted

    assignment = settings.course.assignment(args.assignment)
    wish = Wish(args.whom, args.kind, args.value, args.why, args.question)
    decisions = wanted(wish, book.facts(), settings.terms(assignment), assignment, args.who or who(), "command")
    _entered(book, book.add_decisions(decisions), console)


def _enter(book: Book, settings: Settings, args: argparse.Namespace, console: Console) -> None:
    from autograder.gradebook.store import who
    from autograder.grading.entering import read_wishes, wanted
    from autograder.grading.recording import enter_sheet

    wishes, facts = read_wishes(args.file), book.facts()
    rows: list[tuple[int, Wish, Assignment]] = []
    for row, wish in wishes:
        try:
            rows.append((row, wish, settings.course.assignment(_about(wish, args.assignment, facts))))
        except UsageError as error:
            raise UsageError(f"{args.file}: row {row}, {error}") from None
    for assignment in {each.id: each for _, _, each in rows}.values():
        if args.out and (count := enter_sheet(book, assignment, args.out)):
            _say(console, f"{count} decisions read from review.csv")
    facts = book.facts()
    decisions: list[Decision] = []
    for row, wish, assignment in rows:
        try:
            terms = settings.terms(assignment)
            decisions += wanted(wish, facts, terms, assignment, args.who or who(), "table")
        except UsageError as error:
            raise UsageError(f"{args.file}: row {row}, {error}") from None
    _entered(book, book.add_decisions(decisions), console)


def _about(wish: Wish, given: str, facts: Facts) -> str:
    """The assignment of a row. Raises UsageError if row, command and book do not name one."""
    named = sorted({each.assignment for each in facts.submissions})
    found = wish.assignment or given or (named[0] if len(named) == 1 else "")
    if not found:
        there = ", ".join(named) or "none"
        raise UsageError(f"assignment: found nothing, wanted one of {there}: a column assignment, or ASSIGNMENT")
    return found


def _entered(book: Book, numbers: tuple[int, ...], console: Console) -> None:
    facts = book.facts()
    for decision in facts.decisions:
        if decision.id in numbers:
            _say(console, _line(decision, facts))
    _say(console, "`autograder report` writes the decision on the pages")


def _line(decision: Decision, facts: Facts) -> str:
    from autograder.gradebook.decisions import words

    names = {each.id: each.name for each in facts.submissions}
    whom = decision.student or names.get(decision.submission, "")
    return f"{decision.id}  {decision.at}  {decision.who}  {decision.assignment}  {whom}  {words(decision)}"


def _log(book: Book, settings: Settings, args: argparse.Namespace, console: Console) -> None:
    from autograder.gradebook.facts import key

    facts = book.facts()
    theirs = {each.submission for each in facts.members if each.student == key(args.student)}
    wanted = settings.course.assignment(args.assignment).id if args.assignment else ""
    for decision in facts.decisions:
        mine = not args.student or decision.student == key(args.student) or decision.submission in theirs
        if mine and wanted in ("", decision.assignment):
            _say(console, _line(decision, facts))


def _erase(book: Book, settings: Settings, args: argparse.Namespace, console: Console) -> None:
    from autograder.gradebook.erasing import older
    from autograder.gradebook.facts import key
    from autograder.grading.recording import forget, to_forget, will_forget

    if bool(args.student) == bool(args.before):
        raise UsageError("erase: wanted a student's id, or --before DATE")
    facts = book.facts()
    wanted = {key(args.student)} if args.student else {*older(facts, args.before)}
    people = [each.key for each in facts.students if each.key in wanted]
    if not people:
        book.wipe()  # an earlier erase may have been stopped before this step
        if args.out and to_forget(args.out):
            pages = forget(book, settings, args.out)
            _say(console, f"an earlier erase is finished: {', '.join(map(str, pages)) or 'nothing was left to do'}")
            return
        if args.before:
            raise UsageError(f"erase: no person's last submission is older than {args.before}")
        raise UsageError(f"{args.student}: nobody in the book has this id")
    if args.out:
        theirs = {each.submission for each in facts.members if each.student in wanted}
        will_forget([each.name for each in facts.submissions if each.id in theirs], args.out)
    found = book.erase(people)
    rewritten = forget(book, settings, args.out) if args.out else []
    submissions = "1 submission" if found == 1 else f"{found} submissions"
    who = "a person" if len(people) == 1 else f"{len(people)} people"
    _say(console, f"erased: {who} with {submissions}; the scores stay under a code")
    for page in rewritten:
        _say(console, f"written again without them: {page}")
    others = "other folders of pages" if rewritten else "pages and tables written before (--out DIR writes them again)"
    _say(console, f"Not changed: {others}, the submissions themselves (grading them again")
    _say(console, "enters their people again), backups, copies of the book, and exported files.")


def _copy(book: Book, settings: Settings, args: argparse.Namespace, console: Console) -> None:
    counts = book.copy_to(args.url)
    _say(console, f"copied: {', '.join(f'{count} {name}' for name, count in counts.items())}")

"""Between a run and the book: writes gradings into the book, and reads results for the pages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from autograder.course.model import Assignment
from autograder.course.outcome import Outcome
from autograder.course.result import QuestionResult, SubmissionInfo, SubmissionResult
from autograder.errors import UsageError
from autograder.gradebook.erasing import is_erased
from autograder.gradebook.facts import Decision, Facts, Grading, StoredSubmission, moment
from autograder.gradebook.settings import Settings
from autograder.gradebook.store import Book, Damaged, who
from autograder.grading.batch import RUN_FILE, GradingRun, stored
from autograder.grading.scoring import SET, reviewed, total
from autograder.reports import DECISIONS, Decisions, write_class, write_file, write_submission
from autograder.reports.cells import text
from autograder.reports.files.term import Standings
from autograder.reports.findings.decisions import Shown
from autograder.submission.receive.lateness import BY_SYSTEM

__all__ = [
    "SIMILARITY",
    "Recorder",
    "enter_sheet",
    "forget",
    "has_results",
    "info_of",
    "is_unread",
    "newest_run",
    "read_in",
    "results",
    "shown_in_sheet",
    "stored_in",
    "to_forget",
    "will_forget",
    "write_views",
    "write_words",
]


ERASING = ".erasing"  # in a folder of results, while an erase is under way
SIMILARITY = "similarity.html"  # in a folder of results; it holds the code of the compared people


def info_of(
    facts: Facts, submission: StoredSubmission, assignment: Assignment, *, decided: bool = False
) -> SubmissionInfo:
    """The author, option and time of a submission, in the form of a result.

    Args:
        decided: True if a person's decision on the time counts.
    """
    people = sorted((each for each in facts.members if each.submission == submission.id), key=lambda each: each.place)
    came, late = facts.handed_in(submission.id, assignment.due, decided=decided)
    at = moment(came).astimezone(assignment.due.tzinfo).isoformat(timespec="seconds") if came else ""
    return SubmissionInfo(
        submission=submission.name,
        name=people[0].name if people else "",
        id=people[0].written if people else "",
        option=submission.option,
        members=tuple((each.written, each.name) for each in people[1:]),
        submitted_at=at,
        late=late,
        notes=submission.notes,
    )


def source_of(info: SubmissionInfo, recorded: datetime | None) -> str:
    """The source of a submission's time: a record of it (a table, its name), the system's mark, or its files."""
    if recorded:
        return "table"
    return "system" if BY_SYSTEM in info.notes else "files"


@dataclass
class Recorder:
    """Writes a run's results into the book. Results that are already there are not written again."""

    book: Book
    assignment: Assignment
    plan: GradingRun
    fresh: bool
    facts: Facts
    number: int = 0  # of the run in the book; 0 before the first row
    known: dict[tuple[str, str], StoredSubmission] = field(default_factory=dict)
    gradings: dict[int, int] = field(default_factory=dict)  # submission → this run's newest grading

    @classmethod
    def open(cls, book: Book, assignment: Assignment, run: GradingRun, *, fresh: bool) -> Recorder:
        """Continue the book's run, or begin one.

        Args:
            fresh: everything is graded again.
        """
        facts = book.facts()
        known = {(each.digest, each.name): each for each in facts.submissions if each.assignment == assignment.id}
        return cls(book, assignment, run, fresh, facts, known=known)

    @property
    def run(self) -> int:
        """The run's number. The first call creates the run, and the book if there is none."""
        if not self.number:
            plan = self.plan
            self.number = self.book.add_run(plan.assignment, plan.suite, plan.seed, plan.seed, fresh=self.fresh).id
            self.gradings = {each.submission: each.id for each in self.facts.gradings if each.run == self.number}
        return self.number

    def keep(self, result: SubmissionResult, recorded: datetime | None) -> None:
        """Add an earlier result that still holds, if the book does not have it."""
        before = self.known.get((_digest(result), result.submission))
        same = before and info_of(self.facts, before, self.assignment) == _plain(result.info)
        run = self.run
        if not (before and same and before.id in self.gradings):
            number = self._submission(result, recorded)
            if number not in self.gradings:
                self.gradings[number] = self.book.add_grading(run, number, result)

    def expect(self, print: str, info: SubmissionInfo, recorded: datetime | None) -> None:
        """Add a submission of an earlier run that is graded again: a person may have decided on it already.

        Args:
            print: the fingerprint that its result will carry.
        """
        plain = _plain(info)
        self.book.add_submission(self.assignment.id, print.rpartition("-")[2], plain, source_of(plain, recorded))

    def add(self, result: SubmissionResult, recorded: datetime | None) -> None:
        """Add a new result. It counts instead of this run's earlier result, which stays in the book."""
        run, number = self.run, self._submission(result, recorded)
        fills = self.gradings.get(number, 0)
        self.gradings[number] = self.book.add_grading(run, number, result, fills)

    def scale(self, name: str) -> float | None:
        """The scale that a person gave a submission; None if nobody did, or for the option's own scale."""
        return self._scales.get(name)

    def info(self, result: SubmissionResult) -> SubmissionInfo:
        """The result's info, with the time of handing in that a person decided on."""
        moved = self._moved.get(result.submission)
        return replace(result.info, submitted_at=moved.submitted_at, late=moved.late) if moved else result.info

    @cached_property
    def _decided(self) -> Facts:
        """The book's facts at the time when a decision is first needed."""
        return self.book.facts()

    @cached_property
    def _scales(self) -> dict[str, float | None]:
        return {name: scale for name, (scale, _, _) in shown_in_sheet(self._decided, self.assignment).items()}

    @cached_property
    def _moved(self) -> dict[str, SubmissionInfo]:
        own = [each for each in self._decided.submissions if each.assignment == self.assignment.id]
        moved = [each for each in own if each.id in self._decided.moved]
        return {each.name: info_of(self._decided, each, self.assignment, decided=True) for each in moved}

    def _submission(self, result: SubmissionResult, recorded: datetime | None) -> int:
        info = _plain(result.info)
        return self.book.add_submission(self.assignment.id, _digest(result), info, source_of(info, recorded))


def has_results(out: Path) -> bool:
    """True if a folder holds results, with or without a book."""
    return next(out.glob("*/result.json"), None) is not None


def is_unread(facts: Facts, out: Path) -> bool:
    """True if a folder is older than its book: it has `run.json`, or the book knows none of its results."""
    names = {each.name for each in facts.submissions}
    return (out / RUN_FILE).exists() or not any(path.parent.name in names for path in out.glob("*/result.json"))


def read_in(book: Book, assignment: Assignment, out: Path) -> int:
    """Read the results of an old folder without a book into the book. Returns how many.

    Each folder is read once. It is such a folder if it holds `run.json`, which grading wrote before there was a book,
    or if the book knows none of its submissions. Results that the book holds already are not read in again. Results
    that are read in count as older than every grading of the book. Unreadable files are skipped.
    """
    facts, last = book.facts(), GradingRun.read(out)
    known = {(each.digest, each.name): each for each in facts.submissions if each.assignment == assignment.id}
    folders = {path.parent.name: path for path in sorted(out.glob("*/result.json"))}
    ours = last is not None and last.assignment == assignment.id
    if not ours and any(each.name in folders or is_erased(each) for each in known.values()):
        return 0
    runs = {run.id: run for run in facts.runs}
    held = {(each.submission, runs[each.run].suite, runs[each.run].seed) for each in facts.gradings if each.run in runs}
    found = []
    for path in folders.values():
        result = stored(path)
        if result and result.assignment == assignment.id:
            suite = result.fingerprint.partition("-")[0]
            before = known.get((_digest(result), result.submission))
            newest = last is not None and (suite, result.seed) == (last.suite, last.seed)
            if before is None or (before.id, suite, result.seed) not in held:
                found.append((newest, path.stat().st_mtime, suite, result.seed, path))
    with book.together() if found else nullcontext():  # all or nothing: after a kill, the next command reads them
        begun: dict[tuple[str, int], int] = {}  # one run for each suite and seed, the folder's own the newest
        for _, _, suite, seed, path in sorted(found, reverse=True):
            if (suite, seed) not in begun:
                begun[suite, seed] = book.add_old_run(assignment.id, suite, seed).id
            result = stored(path)
            if result:
                info, before = _plain(result.info), known.get((_digest(result), result.submission))
                source = source_of(info, None)
                number = before.id if before else book.add_submission(assignment.id, _digest(result), info, source)
                book.add_grading(begun[suite, seed], number, result)
    if ours:
        (out / RUN_FILE).unlink(missing_ok=True)
    return len(found)


def _digest(result: SubmissionResult) -> str:
    return result.fingerprint.rpartition("-")[2]


def _plain(info: SubmissionInfo) -> SubmissionInfo:
    """The info without the notes of a person's decision."""
    notes = tuple(note for note in info.notes if not note.startswith(SET))
    return SubmissionInfo(**{**vars(info), "notes": notes})


def results(
    book: Book, facts: Facts, assignment: Assignment, names: Collection[str] | None = None
) -> Iterator[SubmissionResult | tuple[str, str]]:
    """The counting result of each submission on its scale; (name, reason) for a submission without one.

    Of two submissions with one name, the later one in the book counts: it replaced the other in the folder.

    Args:
        names: of the submissions whose results are read; None for all.
    """
    scales = {decision.submission: decision.value for decision in facts.decisions if decision.kind == "scale"}
    named = {each.name: each for each in facts.submissions if each.assignment == assignment.id}
    for name, submission in sorted(named.items()):
        if names is not None and name not in names:
            continue
        grading, _ = facts.counting(submission.id)
        if grading is None:
            yield name, "the book has no grading of it that counts"
            continue
        if is_erased(submission):
            info = info_of(facts, submission, assignment, decided=True)
            yield reviewed(_scores_alone(grading, info, assignment), assignment, scales.get(submission.id))
            continue
        try:
            found = book.result(grading.id, info_of(facts, submission, assignment, decided=True))
        except Damaged as error:
            yield name, str(error)
        else:
            yield reviewed(found, assignment, scales.get(submission.id))


def _scores_alone(grading: Grading, info: SubmissionInfo, assignment: Assignment) -> SubmissionResult:
    """The rest of the result of an erased person: scores, for the class's figures."""
    titles = {each.id: each.title for each in assignment.questions}
    questions = tuple(
        QuestionResult(
            each.question,
            titles.get(each.question, each.question),
            each.points / 100,
            each.cents / 100,
            Outcome(each.outcome),
        )
        for each in grading.scores
    )
    scale = assignment.option(info.option).scale
    return SubmissionResult(
        assignment=assignment.id,
        info=info,
        score=total(questions, scale),
        max_score=assignment.max_score,
        questions=questions,
        seed=0,
        scale=scale,
    )


def shown_in_sheet(facts: Facts, assignment: Assignment, seen: Mapping[str, int] | None = None) -> Shown:
    """The content of review.csv, by the submission's name: scale, note, and the number of the newest decision.

    Args:
        seen: by name, the newest decision that counts; None if all count.
    """
    named = {each.name: each.id for each in facts.submissions if each.assignment == assignment.id}
    names = {id: name for name, id in named.items()}  # of two with one name, the later one counts
    found: dict[str, tuple[float | None, str, int]] = {}
    for decision in facts.decisions:
        if decision.kind in ("scale", "note") and decision.submission in names and not decision.question:
            if seen is not None and decision.id > seen.get(text(names[decision.submission]), 0):
                continue
            scale, note, _ = found.get(names[decision.submission], (None, "", 0))
            if decision.kind == "scale":
                scale = decision.value
            else:
                note = decision.value or ""
            found[names[decision.submission]] = (scale, note, decision.id)
    return found


def enter_sheet(book: Book, assignment: Assignment, out: Path) -> int:
    """Turn the changed cells of review.csv into decisions, and write their numbers there. Returns how many.

    Raises:
        UsageError: the book has a newer decision than the one that the row shows. Nothing is entered then.
    """
    path = out / DECISIONS
    sheet = Decisions.read(path)
    if not sheet.rows:
        return 0
    facts = book.facts()
    named = {text(each.name): each for each in facts.submissions if each.assignment == assignment.id}
    current = {text(name): each for name, each in shown_in_sheet(facts, assignment).items()}
    seen = {row.submission: row.decision for row in sheet.entries()}
    written = {text(name): each for name, each in shown_in_sheet(facts, assignment, seen).items()}
    by_number = {decision.id: decision for decision in facts.decisions}
    wanted = []
    for row in sheet.entries():
        submission = named.get(row.submission)
        if submission is None:
            continue
        option = assignment.option(submission.option).scale
        scale, note, newest = current.get(row.submission, (None, "", 0))
        stood, noted, _ = written.get(row.submission, (None, "", 0))  # the grader's own entry, not a person's change
        kinds: list[tuple[str, float | str, float | str | None]] = []
        ours = [option if each is None else each for each in (scale, stood)]
        if row.scale is not None and row.scale not in ours:
            kinds.append(("scale", row.scale, scale))
        if row.comment.strip() not in (note.strip(), noted.strip()):
            kinds.append(("note", row.comment, note))
        if kinds and newest > row.decision:
            other, (kind, mine, theirs) = by_number[newest], kinds[0]
            raise UsageError(
                f"{path}: {row.submission}, {kind}: found {mine!r}, but decision {newest} by {other.who} says "
                f"{theirs!r}; write {newest} into the column decision to overrule it"
            )
        wanted += [_decision(assignment, submission, kind, value) for kind, value, _ in kinds]
    if wanted:
        book.add_decisions(wanted)
        shown = {text(name): each for name, each in shown_in_sheet(book.facts(), assignment).items()}
        write_file(path, sheet.with_book(shown, assignment).encoded())
    return len(wanted)


def _decision(assignment: Assignment, submission: StoredSubmission, kind: str, value: object) -> Decision:
    return Decision(0, "", who(), "table", assignment.id, kind, submission=submission.id, value=value)


def write_views(
    book: Book, settings: Settings, assignment: Assignment, out: Path, unmade: list[tuple[str, str]]
) -> Path:
    """Write every page and table of an assignment from the book. Returns the class page."""
    facts = book.facts()
    standings = Standings(book.sound(facts), settings, assignment)
    found, failures = [], []
    words, nobodys = standings.words(), {each.name for each in facts.submissions if is_erased(each)}
    for each in results(book, facts, assignment):
        if isinstance(each, tuple):
            failures.append(each)
            continue
        found.append(each)
        if each.submission not in nobodys:
            write_submission(each, assignment, out, unmade, words.get(each.submission))
    shown = shown_in_sheet(facts, assignment)
    return write_class(found, assignment, out, failures, unmade=unmade, shown=shown, standings=standings)


def to_forget(out: Path) -> list[str]:
    """Names of submissions whose pages an erase was about to remove when it was stopped."""
    try:
        return list(json.loads((out / ERASING).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return []


def will_forget(names: Collection[str], out: Path) -> None:
    """Write down the names of submissions whose pages `forget` removes, so that a later erase can finish it."""
    if out.is_dir():
        write_file(out / ERASING, json.dumps(sorted({*names, *to_forget(out)})))


def forget(book: Book, settings: Settings, out: Path) -> list[Path]:
    """Write pages and tables again without people who were erased, and remove their folders; the class pages.

    The submissions are those of `will_forget` that are not in the book any more. A folder that a person made, or a
    link, is left alone.
    """
    facts, written = book.facts(), []
    here = {path.parent: found.assignment for path in out.glob("*/result.json") if (found := stored(path))}
    for id in sorted({each.assignment for each in facts.submissions} & {*here.values()}):
        names = {*to_forget(out)} - {each.name for each in facts.submissions if each.assignment == id}
        if (out / DECISIONS).exists():
            write_file(out / DECISIONS, Decisions.read(out / DECISIONS).without(names).encoded())
        written.append(write_views(book, settings, settings.course.assignment(id), out, []))
        for folder, assignment in here.items():
            if assignment == id and folder.name in names and not folder.is_symlink():
                shutil.rmtree(folder)
    shutil.rmtree(out / "anonymous", ignore_errors=True)
    (out / SIMILARITY).unlink(missing_ok=True)
    (out / ERASING).unlink(missing_ok=True)
    return written


def newest_run(book: Book, assignment: Assignment) -> GradingRun | None:
    """The newest run of an assignment in the book."""
    runs = [run for run in book.facts().runs if run.assignment == assignment.id]
    newest = max(runs, key=lambda run: run.age, default=None)
    return GradingRun(assignment.id, newest.suite, newest.seed) if newest else None


def stored_in(book: Book, assignment: Assignment) -> Callable[[str], SubmissionResult | None]:
    """Finds the newest result of a submission in the book by name; None if no result can be read."""
    facts = book.facts()
    ages = {run.id: run.age for run in facts.runs}
    in_order = sorted(facts.gradings, key=lambda each: (ages.get(each.run, (False, -each.run)), each.id))
    newest = {each.submission: each.id for each in in_order}
    named = {each.name: each for each in facts.submissions if each.assignment == assignment.id}

    def find(name: str) -> SubmissionResult | None:
        submission = named.get(name)
        if submission is None or submission.id not in newest:
            return None
        try:
            return book.result(newest[submission.id], info_of(facts, submission, assignment))
        except Damaged:
            return None

    return find


def write_words(book: Book, standings: Standings, out: Path) -> None:
    """Write again the pages of submissions for which the book has text."""
    words = standings.words()
    here = {name for name in words if (out / name).is_dir()}
    for each in results(book, standings.facts, standings.assignment, here):
        if not isinstance(each, tuple):
            write_submission(each, standings.assignment, out, None, words[each.submission])

"""autograder collect: makes a student's zip from answers on clean files and a new run of the notebooks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from autograder.errors import AutograderError, UsageError

if TYPE_CHECKING:
    from autograder.course.model import Assignment
    from autograder.submission.collect.advice import Advice, Ran
    from autograder.submission.collect.earlier import EarlierRun
    from autograder.submission.collect.gather import Gathered, Keeper
    from autograder.submission.collect.running import Done
    from autograder.submission.receive.identity import NotebookSays

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder collect
      in the assignment's folder: runs the clean notebooks on your answers, checks, and writes the zip; if nothing has
      changed since the last run, its output is used again
  autograder collect --no-run --name "Kim Minsu" --id 2022123456
      uses the current outputs of the notebooks and the current result files

exit status 0: written without warnings; 1: written with warnings, or not written; 2: a wrong argument
"""
SCHEMA = 1
WHO = {"name": "name", "id": "student number", "option": "option"}
LISTS = (("This costs points:", True), ("A reader will miss this, or ask about it:", False))


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "collect",
        help="make the zip that is handed in",
        description="Copy your answers into the clean files, run each clean notebook once, check, and write the zip.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", metavar="DIR", type=Path, default=Path(), help="the assignment's folder (this one)")
    parser.add_argument(
        "--clean", metavar="ZIP_OR_FOLDER", type=Path, help="the assignment as handed out (the copy in the folder)"
    )
    parser.add_argument("--name", help="your name (from the notebook's first cell)")
    parser.add_argument("--id", help="your student number (from the first cell)")
    parser.add_argument("--option", help="your option (from the first cell)")
    parser.add_argument(
        "--group",
        metavar="'ID NAME'",
        action="append",
        help="a member of your group; repeat it for each member (from the first cell)",
    )
    running = parser.add_mutually_exclusive_group()
    running.add_argument("--no-run", action="store_true", help="do not run the notebooks")
    running.add_argument("--rerun", action="store_true", help="run the notebooks even if nothing has changed")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class _Job:
    """One call of the command."""

    folder: Path
    assignment: Assignment
    who: NotebookSays
    keeper: Keeper
    console: Console  # the stream for progress


def run(args: argparse.Namespace, console: Console) -> int:
    """Collect, check, write, print. Returns 0, 1 if there are warnings, 130 after Ctrl-C."""
    try:
        return _collect(args, console)
    except OSError as error:
        raise UsageError(f"{error.filename or args.folder}: {error.strerror or error}") from None


def _collect(args: argparse.Namespace, console: Console) -> int:
    from autograder.course.manifest import load_assignment
    from autograder.submission.clean.read import CLEAN, read_clean
    from autograder.submission.collect.earlier import earlier_run
    from autograder.submission.collect.gather import Keeper, gather, own_words, set_up, zip_name

    folder = args.folder.resolve()
    if not (folder / "assignment.toml").is_file():
        raise UsageError(f"{folder}: not an assignment's folder: it has no assignment.toml")
    assignment = load_assignment(folder / "assignment.toml")
    if args.clean is None and not (folder / CLEAN).is_dir():
        raise UsageError(f"no clean copy ({CLEAN}/) in {folder}: pass the assignment's zip as --clean")
    clean = read_clean(args.clean or folder, assignment)
    if not args.no_run and assignment.notebooks:
        _expect_kernel()
    who = _who(args, own_words(folder, clean, assignment), folder, assignment, console)
    name = zip_name(who.name, who.idnum, assignment, who.option)
    gathered = gather(folder, clean, assignment, who)
    progress = Console(stderr=True) if args.json else console
    job = _Job(folder, assignment, who, Keeper(folder, datetime.now()), progress)
    earlier = earlier_run(folder)
    stage = set_up(folder, clean, gathered, job.keeper)
    done = None
    if gathered.notebooks and not args.no_run:
        try:
            done = _run_notebooks(job, gathered, stage, earlier, anew=args.rerun)
        except KeyboardInterrupt:
            print(f"stopped, and no zip was written; the notebooks run so far are in {stage}", file=sys.stderr)
            return 130
        gathered = done.gathered
    runs = done.runs if done else None
    files = _with_artifacts(job, gathered, stage, runs)
    advice = _review(job, gathered, files, stage, runs)
    _write(job, name, files)
    if args.json:
        print(json.dumps(_as_json(job, name, files, gathered, done, advice), indent=1, ensure_ascii=False))
    else:
        _print(job, name, files, gathered, advice, console)
    return 1 if advice else 0


def _expect_kernel() -> None:
    try:
        import ipykernel  # noqa: F401
        import nbclient  # noqa: F401
    except ImportError as error:
        raise UsageError(f"{error.name}, which runs notebooks, is not installed: install it, or add --no-run") from None


def _who(
    args: argparse.Namespace, says: NotebookSays, folder: Path, assignment: Assignment, console: Console
) -> NotebookSays:
    """The author, from arguments, else the notebook's first cell, else `group.txt`, else an answer of the student."""
    from autograder.submission.collect.gather import GROUP
    from autograder.submission.receive.identity import read_group

    group = says.group
    if args.group:
        group, notes = read_group("\n".join(args.group).encode())
        if notes:
            raise UsageError(f"--group: {notes[0].partition(': ')[2]}")
    elif not group and (folder / GROUP).is_file():
        group, _ = read_group((folder / GROUP).read_bytes())
    asks = not args.json and console.is_terminal and sys.stdin.isatty()
    options = ", ".join(f"{option.id}: {option.title}" for option in assignment.options)
    return replace(
        says,
        name=args.name or says.name or _asked("name", "Your name", asks, console),
        idnum=args.id or says.idnum or _asked("id", "Your student number", asks, console),
        option=args.option or says.option or _asked("option", f"Option ({options})", asks, console),
        group=group,
    )


def _asked(flag: str, question: str, asks: bool, console: Console) -> str:
    if asks:
        try:
            answer = console.input(f"{question}: ").strip()
        except EOFError:
            answer = ""
        if answer:
            return answer
    raise UsageError(f"the {WHO[flag]} is missing: fill in the notebook's first code cell and save it, or add --{flag}")


def _run_notebooks(job: _Job, gathered: Gathered, stage: Path, earlier: EarlierRun | None, *, anew: bool) -> Done:
    """Print the expected time of the notebooks, and run them; or use the earlier run, if it is still valid."""
    from autograder.submission.collect.earlier import depends_on
    from autograder.submission.collect.running import again_message, how_long, run_notebooks, taken_over

    depends = depends_on(stage, gathered.notebooks)
    several = len(gathered.notebooks) > 1
    if earlier and not anew and earlier.stands(depends):
        job.console.print(again_message(earlier), highlight=False, soft_wrap=True)
        return taken_over(gathered, stage, earlier)
    if expected := how_long(job.assignment, earlier):
        job.console.print(expected, highlight=False, soft_wrap=True)

    def telling(name: str, cells: int) -> AbstractContextManager[Any]:
        return _telling(job.console, name if several else "the notebook", cells)

    return run_notebooks(gathered, stage, depends, telling)


@contextmanager
def _telling(console: Console, notebook: str, cells: int) -> Iterator[Any]:
    """On a terminal, a line that shows the running cell; elsewhere, one line at the start."""
    if not console.is_terminal:
        console.print(f"running {notebook} ({cells} cells)", highlight=False)
        yield None
        return
    with Live(console=console, transient=True, auto_refresh=False) as live:

        def tell(number: int, cell: Any) -> None:
            first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
            live.update(Text(f"cell {number} of {cells}  {first}", no_wrap=True, overflow="ellipsis"), refresh=True)

        yield tell


def _with_artifacts(job: _Job, gathered: Gathered, stage: Path, runs: Mapping[str, Ran] | None) -> dict[str, bytes]:
    """All files of the zip. Files from the notebooks are copied into the student's folder; others come from it."""
    files = gathered.files
    for name in job.assignment.artifacts:
        if any(name in ran.written for ran in (runs or {}).values()):
            files[name] = (stage / name).read_bytes()
            job.keeper.write(job.folder / name, files[name])
        elif (job.folder / name).is_file():
            files[name] = (job.folder / name).read_bytes()
            (stage / name).write_bytes(files[name])
    return files


def _review(
    job: _Job, gathered: Gathered, files: Mapping[str, bytes], stage: Path, runs: Mapping[str, Ran] | None
) -> list[Advice]:
    from autograder.checks.public.run import public_results, rules_in
    from autograder.submission.collect import advice
    from autograder.submission.collect.advice import Advice

    stopped, rules = [], {}
    try:
        rules = dict(rules_in(stage, job.assignment))
        with job.console.status("running the public checks") if job.console.is_terminal else nullcontext():
            results = public_results(stage)
    except AutograderError as error:
        results, why = {}, (str(error).splitlines() or [""])[0]
        stopped = [Advice(f"the public checks could not run: {why}", "Unzip the assignment again beside your files.")]
    except KeyboardInterrupt:
        results = {}
        stopped = [Advice("the public checks were stopped", "`autograder check QUESTION` runs one question's checks.")]
    return [
        *advice.about_who(job.who),
        *advice.about_run(gathered, runs),
        *advice.about_files(job.assignment, files, runs),
        *advice.about_answers(gathered, results),
        *advice.about_source(gathered, rules),
        *stopped,
    ]


def _write(job: _Job, name: str, files: Mapping[str, bytes]) -> None:
    from autograder.submission.collect.gather import write_zip

    write_zip(job.folder / name, files, job.keeper)


def _print(
    job: _Job, name: str, files: Mapping[str, bytes], gathered: Gathered, advice: list[Advice], console: Console
) -> None:
    def say(*parts: str | tuple[str, str]) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True)

    for file, module in gathered.modules.items():
        for part in module.added:
            say(("added by you  ", "bright_black"), f"{file}, {part}" if len(gathered.modules) > 1 else str(part))
    for title, costs in LISTS:
        if listed := [warning for warning in advice if warning.costs is costs]:
            say((title, "bold yellow"))
            for number, warning in enumerate(listed, start=1):
                say((f"{number}. ", "yellow"), warning.what)
                say(f"   {warning.do}")
            say()
    say(("Written: ", "bold"), name)
    for path, data in sorted(files.items()):
        say(f"  {path}  {len(data):,} bytes")
    if job.keeper.into:
        say(f"The old versions are in {job.keeper.into.relative_to(job.folder).as_posix()}/")
    if costly := sum(warning.costs for warning in advice):
        count = f"{costly} {'thing' if costly == 1 else 'things'} above would cost points"
        say((f"{count}: fix what you can, and run this again.", "yellow"))


def _as_json(
    job: _Job,
    name: str,
    files: Mapping[str, bytes],
    gathered: Gathered,
    done: Done | None,
    advice: list[Advice],
) -> dict[str, Any]:
    modules = {file: _without(asdict(each), "source", "lines", "early") for file, each in gathered.modules.items()}
    notebooks = {file: _without(asdict(each), "notebook") for file, each in gathered.notebooks.items()}
    ran = {
        file: {"failed": [*map(vars, each.failed)], "written": list(each.written)}
        for file, each in (done.runs if done else {}).items()
    }
    facts = {
        "schema": SCHEMA,
        "zip": str(job.folder / name),
        "files": {path: len(data) for path, data in sorted(files.items())},
        "kept": str(job.keeper.into) if job.keeper.into else None,
        "modules": modules,
        "notebooks": notebooks,
        "given_files_edited": list(gathered.edited),
        "runs": ran if done else None,
        "run_again": not done.since if done else None,
        "warnings": [asdict(each) for each in advice],
    }
    if len(job.assignment.components) == 1:  # then also list the only module as `module`, and so on
        for one, all_of_them in (("module", modules), ("notebook", notebooks), ("run", ran)):
            facts[one] = next(iter(all_of_them.values()), None)
    return facts


def _without(data: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in keys}

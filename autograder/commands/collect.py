"""autograder collect: a student's zip, from answers on clean files and a fresh run of the notebook."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
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
    from autograder.submission.collect import Gathered, Keeper
    from autograder.submission.identity import NotebookSays
    from autograder.submission.review import Advice, Ran

__all__ = ["add", "run"]

EXAMPLE = """example:
  autograder collect
      in the assignment's folder: runs the clean notebook on your answers, checks, and writes the zip
  autograder collect --no-run --name "Kim Minsu" --id 2022123456
      takes the notebook's outputs and the result files as they are

exit status 0: written, nothing to say; 1: written with warnings, or not written; 2: a wrong argument
"""
SCHEMA = 1


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "collect",
        help="make the zip that is handed in",
        description="Carry your answers onto the clean files, run the clean notebook once, check, and write the zip.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", metavar="DIR", type=Path, default=Path(), help="the assignment's folder (this one)")
    parser.add_argument(
        "--clean", metavar="ZIP_OR_FOLDER", type=Path, help="the assignment as handed out (the copy in the folder)"
    )
    parser.add_argument("--name", help="your name (what the notebook's first cell says)")
    parser.add_argument("--id", help="your student number (likewise)")
    parser.add_argument("--option", help="the option you take (likewise)")
    parser.add_argument(
        "--group", metavar="'ID NAME'", action="append", help="a member of your group; once for each (likewise)"
    )
    parser.add_argument("--no-run", action="store_true", help="do not run the notebook")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class _Job:
    """One call of the command."""

    folder: Path
    assignment: Assignment
    who: NotebookSays
    keeper: Keeper
    console: Console  # where progress goes


def run(args: argparse.Namespace, console: Console) -> int:
    """Collect, check, write, print. Returns 0, 1 where there are warnings, 130 after Ctrl-C."""
    try:
        return _collect(args, console)
    except OSError as error:
        raise UsageError(f"{error.filename or args.folder}: {error.strerror or error}") from None


def _collect(args: argparse.Namespace, console: Console) -> int:
    from autograder.course.manifest import load_assignment
    from autograder.submission.clean import CLEAN, read_clean
    from autograder.submission.collect import Keeper, gather, own_words, set_up, zip_name

    folder = args.folder.resolve()
    if not (folder / "assignment.toml").is_file():
        raise UsageError(f"{folder}: not an assignment's folder: there is no assignment.toml in it")
    assignment = load_assignment(folder / "assignment.toml")
    if args.clean is None and not (folder / CLEAN).is_dir():
        raise UsageError(f"no clean copy ({CLEAN}/) in {folder}: give --clean the zip that the assignment came in")
    clean = read_clean(args.clean or folder, assignment)
    if not args.no_run and assignment.notebook:
        _expect_kernel()
    who = _who(args, own_words(folder, clean, assignment), folder, assignment, console)
    name = zip_name(who.name, who.idnum, assignment, who.option)
    gathered = gather(folder, clean, assignment, who)
    progress = Console(stderr=True) if args.json else console
    job = _Job(folder, assignment, who, Keeper(folder, datetime.now()), progress)
    stage = set_up(folder, clean, gathered, job.keeper)
    ran = None
    if gathered.notebook and not args.no_run:
        try:
            gathered, ran = _run_notebook(job, gathered, stage)
        except KeyboardInterrupt:
            print(f"stopped, and no zip was written; what was run is in {stage}", file=sys.stderr)
            return 130
    files = _with_artifacts(job, gathered, stage, ran)
    advice = _review(job, gathered, files, stage, ran)
    _write(job, name, files)
    if args.json:
        print(json.dumps(_as_json(job, name, files, gathered, ran, advice), indent=1, ensure_ascii=False))
    else:
        _print(job, name, files, gathered, advice, console)
    return 1 if advice else 0


def _expect_kernel() -> None:
    try:
        import ipykernel  # noqa: F401
        import nbclient  # noqa: F401
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed, which runs notebooks: install it, or add --no-run") from None


def _who(
    args: argparse.Namespace, says: NotebookSays, folder: Path, assignment: Assignment, console: Console
) -> NotebookSays:
    """From arguments, else the notebook's first cell, else `group.txt`, else asked for."""
    from autograder.submission.collect import GROUP
    from autograder.submission.identity import read_group

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
    raise UsageError(f"who hands in? Fill in the notebook's first code cell and save it, or give --{flag}")


def _run_notebook(job: _Job, gathered: Gathered, stage: Path) -> tuple[Gathered, Ran]:
    """Run the clean notebook in the stage; what it did is kept there, however it ends."""
    import nbformat

    from autograder.submission.cells import notebook_bytes
    from autograder.submission.kernel import run_cells
    from autograder.submission.review import Ran

    assert gathered.notebook is not None
    notebook = nbformat.from_dict(gathered.notebook.notebook)  # type: ignore[no-untyped-call]
    try:
        with _telling(job.console, len(notebook.cells)) as tell:
            failed = run_cells(notebook, stage, keep_going=True, before_cell=tell)
    finally:
        (stage / job.assignment.notebook).write_bytes(notebook_bytes(notebook))
    written = [name for name in job.assignment.artifacts if (stage / name).is_file()]
    done = replace(gathered, notebook=replace(gathered.notebook, notebook=notebook))
    return done, Ran(failed, written)


@contextmanager
def _telling(console: Console, cells: int) -> Iterator[Any]:
    """A line that says which cell runs, on a terminal; elsewhere one line that it has begun."""
    if not console.is_terminal:
        console.print(f"running the notebook ({cells} cells)", highlight=False)
        yield None
        return
    with Live(console=console, transient=True, auto_refresh=False) as live:

        def tell(number: int, cell: Any) -> None:
            first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
            live.update(Text(f"cell {number} of {cells}  {first}", no_wrap=True, overflow="ellipsis"), refresh=True)

        yield tell


def _with_artifacts(job: _Job, gathered: Gathered, stage: Path, ran: Ran | None) -> dict[str, bytes]:
    """All files of the zip. What the notebook wrote goes into the student's folder too; the rest comes from there."""
    files = gathered.files
    for name in job.assignment.artifacts:
        if ran is not None and name in ran.written:
            files[name] = (stage / name).read_bytes()
            job.keeper.write(job.folder / name, files[name])
        elif (job.folder / name).is_file():
            files[name] = (job.folder / name).read_bytes()
            (stage / name).write_bytes(files[name])
    return files


def _review(job: _Job, gathered: Gathered, files: Mapping[str, bytes], stage: Path, ran: Ran | None) -> list[Advice]:
    from autograder.checks.public import public_results
    from autograder.submission.review import Advice, about_answers, about_files, about_run, about_who

    stopped = []
    try:
        with job.console.status("running the public checks") if job.console.is_terminal else nullcontext():
            results = public_results(stage)
    except AutograderError as error:
        results, why = {}, (str(error).splitlines() or [""])[0]
        stopped = [Advice(f"the public checks cannot be run: {why}", "Unzip the assignment afresh beside your files.")]
    except KeyboardInterrupt:
        results = {}
        stopped = [Advice("the public checks were stopped", "autograder check QUESTION runs one question's checks.")]
    return [
        *about_who(job.who),
        *about_run(gathered, ran),
        *about_files(job.assignment, files, ran),
        *about_answers(gathered, results),
        *stopped,
    ]


def _write(job: _Job, name: str, files: Mapping[str, bytes]) -> None:
    from autograder.submission.collect import write_zip

    write_zip(job.folder / name, files, job.keeper)


def _print(
    job: _Job, name: str, files: Mapping[str, bytes], gathered: Gathered, advice: list[Advice], console: Console
) -> None:
    def say(*parts: str | tuple[str, str]) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True)

    for part in gathered.module.added:
        say(("added by you  ", "bright_black"), str(part))
    for number, warning in enumerate(advice, start=1):
        say((f"{number}. ", "bold yellow"), warning.what)
        say(f"   {warning.do}")
    if advice:
        say()
    say(("Written: ", "bold"), name)
    for path, data in sorted(files.items()):
        say(f"  {path}  {len(data):,} bytes")
    if job.keeper.into:
        say(f"What was there before is in {job.keeper.into.relative_to(job.folder).as_posix()}/")
    if advice:
        count = f"{len(advice)} {'thing' if len(advice) == 1 else 'things'} above would cost points"
        say((f"{count}: mend what you can, and run this again.", "yellow"))


def _as_json(
    job: _Job,
    name: str,
    files: Mapping[str, bytes],
    gathered: Gathered,
    ran: Ran | None,
    advice: list[Advice],
) -> dict[str, Any]:
    module, notebook = asdict(gathered.module), asdict(gathered.notebook) if gathered.notebook else None
    for put_together in ("source", "lines", "early"):
        del module[put_together]
    if notebook:
        del notebook["notebook"]
    return {
        "schema": SCHEMA,
        "zip": str(job.folder / name),
        "files": {path: len(data) for path, data in sorted(files.items())},
        "kept": str(job.keeper.into) if job.keeper.into else None,
        "module": module,
        "notebook": notebook,
        "given_files_edited": list(gathered.edited),
        "run": {"failed": [vars(cell) for cell in ran.failed], "written": list(ran.written)} if ran else None,
        "warnings": [asdict(each) for each in advice],
    }

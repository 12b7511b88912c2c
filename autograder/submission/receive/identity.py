"""Finds the author and option of a submission, from its file name, `group.txt`, and the notebooks' first cells."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autograder.course.encodable import all_encodable
from autograder.course.model import Assignment
from autograder.submission.paths import show
from autograder.submission.receive.filename import FORM, ParsedName
from autograder.submission.source.ipynb import load_notebook
from autograder.submission.source.parse import parse

__all__ = ["Identity", "NotebookSays", "agreed", "identify", "read_group", "read_notebook"]

MAX_MEMBERS = 20
MAX_GROUP_BYTES = 16 * 1024
MAX_TEXT = 100
MAX_CELL_BYTES = 16 * 1024
FIRST_CELLS = 5  # code cells to search: the identity cell may follow one with imports or magics

Members = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class NotebookSays:
    """The values in a notebook's identity cell; "" for those that it does not set."""

    name: str = ""
    idnum: str = ""
    option: str = ""
    group: Members = ()


@dataclass(frozen=True)
class Identity:
    name: str
    id: str
    option: str
    members: Members
    notes: tuple[str, ...]


def identify(
    parsed: ParsedName,
    assignment: Assignment,
    notebooks: Mapping[str, bytes],
    clean: Mapping[str, bytes],
    group: bytes | None,
    expect_form: bool,
) -> Identity:
    """Combine all sources. The file name wins over the notebook.

    A full name from the learning system wins over the notebook, which may be a copy of somebody else's. The notebook
    wins over a short account.

    Args:
        notebooks: the submission's notebooks by name. An earlier one wins over a later one.
        clean: the handout's notebooks by name. Their values are placeholders and are ignored.
        expect_form: True to note a file name that does not have the course's form.
    """
    notes: list[str] = []
    values = {name: _own_words(name, data, clean.get(name), notes) for name, data in notebooks.items()}
    says = agreed(values, notes)
    members, group_notes = read_group(group) if group is not None else (says.group, ())
    notes.extend(group_notes)
    if expect_form and not parsed.in_form:
        notes.append(f"the name is not of the form {FORM}")
    if parsed.number is not None and parsed.number != assignment.number:
        notes.append(f"the name says assignment {parsed.number}, this is assignment {assignment.number}")
    if parsed.id and says.idnum and parsed.id.replace("-", "") != says.idnum.replace("-", ""):
        notes.append(f"the name says id {show(parsed.id)}, the notebook {show(says.idnum)}")
    if parsed.option and says.option and parsed.option != says.option:
        notes.append(f"the name says option {parsed.option}, the notebook {show(says.option)}")
    return Identity(
        name=_tidy(parsed.name or (parsed.full and parsed.account) or says.name or parsed.account),
        id=_tidy(parsed.id or says.idnum),
        option=_option(parsed.option or says.option, assignment, notes),
        members=members,
        notes=tuple(notes),
    )


def _option(stated: str, assignment: Assignment, notes: list[str]) -> str:
    known = [option.id for option in assignment.options]
    if stated and stated not in known:
        notes.append(f"unknown option {show(stated)}; graded as option {known[0]}")
    return assignment.option(stated).id


def agreed(values: Mapping[str, NotebookSays], notes: list[str]) -> NotebookSays:
    """The values of all notebooks together: each is the first one that is set. A different id gets a note.

    A notebook without a name and an id is ignored, unless all are like that.
    """
    signed = {name: says for name, says in values.items() if says.name or says.idnum} or values
    ids = {name: says.idnum for name, says in signed.items() if says.idnum}
    for name, id in ids.items():
        first, believed = next(iter(ids.items()))
        if id.replace("-", "") != believed.replace("-", ""):
            notes.append(f"{first} says id {show(believed)}, {name} says {show(id)}")
    return NotebookSays(
        name=next((says.name for says in signed.values() if says.name), ""),
        idnum=next(iter(ids.values()), ""),
        option=next((says.option for says in signed.values() if says.option), ""),
        group=next((says.group for says in signed.values() if says.group), ()),
    )


def _own_words(name: str, notebook: bytes, clean: bytes | None, notes: list[str]) -> NotebookSays:
    try:
        says = read_notebook(notebook)
    except ValueError as problem:
        notes.append(f"{name} cannot be read: {problem}")
        return NotebookSays()
    try:
        blank = read_notebook(clean) if clean is not None else NotebookSays()
    except ValueError:
        return says
    # The option is no placeholder: an unchanged one is a valid choice.
    return replace(
        says,
        name=says.name if says.name != blank.name else "",
        idnum=says.idnum if says.idnum != blank.idnum else "",
        group=says.group if says.group != blank.group else (),
    )


def read_notebook(data: bytes) -> NotebookSays:
    """The values of `name`, `idnum`, `option` and `group` in the first code cell that sets one. No code is run.

    Raises:
        ValueError: the data is no notebook, or too large; the message says which.
    """
    code = [cell for cell in load_notebook(data)["cells"] if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    for cell in code[:FIRST_CELLS]:
        values = dict(_assignments(_source(cell)))
        if values:
            return NotebookSays(
                name=_text(values.get("name")),
                idnum=_text(values.get("idnum")),
                option=_text(values.get("option")).upper().removeprefix("O"),
                group=_members(values.get("group")),
            )
    return NotebookSays()


def _source(cell: dict[str, object]) -> str:
    """A code cell's source without its lines of IPython magics."""
    source = cell.get("source", "")
    text = "".join(line for line in source if isinstance(line, str)) if isinstance(source, list) else source
    lines = text.splitlines() if isinstance(text, str) else []
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def _assignments(source: str) -> Iterable[tuple[str, object]]:
    tree = parse(source, MAX_CELL_BYTES)
    for node in tree.body if tree else ():
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        if isinstance(target, ast.Name) and target.id in ("name", "idnum", "option", "group"):
            try:
                yield target.id, all_encodable(ast.literal_eval(value))
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue


def _text(value: object) -> str:
    return _tidy(str(value)) if isinstance(value, str) or (type(value) is int and value.bit_length() < 128) else ""


def _members(value: object) -> Members:
    """The members in `["2022123456 Kim Minsu", …]`, `[("2022123456", "Kim Minsu"), …]`, or a text with lines."""
    if isinstance(value, str):
        value = value.splitlines()
    if not isinstance(value, Sequence):
        return ()
    rows = (" ".join(map(_text, row)) if isinstance(row, list | tuple) else _text(row) for row in value)
    return tuple(member for row in rows if (member := _member(row)))[:MAX_MEMBERS]


def read_group(data: bytes) -> tuple[Members, tuple[str, ...]]:
    """The (id, name) pairs of `group.txt`, with one line `id name` per member, and notes on wrong lines."""
    members, notes = [], []
    for number, line in enumerate(_decoded(data[:MAX_GROUP_BYTES]).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if member := _member(line):
            members.append(member)
        else:
            notes.append(f"group.txt:{number}: found {show(line, 40)!r}, wanted an id and a name")
    if len(members) > MAX_MEMBERS:
        notes.append(f"group.txt: {len(members)} members; the first {MAX_MEMBERS} are kept")
    return tuple(members[:MAX_MEMBERS]), tuple(notes[:3])


def _member(line: str) -> tuple[str, str] | None:
    """The id (the first word with a digit) and the name in a line, in either order, with any separators."""
    words = line.replace(",", " ").replace("\t", " ").replace(":", " ").split()
    place = next((place for place, word in enumerate(words) if any(char.isdigit() for char in word)), None)
    if place is None or len(words) < 2:
        return None
    return _tidy(words[place]), _tidy(" ".join(words[:place] + words[place + 1 :]))


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp949", errors="replace")


def _tidy(text: str) -> str:
    return show(unicodedata.normalize("NFC", " ".join(text.split())), MAX_TEXT)

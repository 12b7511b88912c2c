"""Makes a given file of one assignment from the reference of another, so that its text is kept in one place."""

from __future__ import annotations

from pathlib import Path

from autograder.authoring.regions import find_regions, read_source

__all__ = ["lent_text"]

HEAD = "# Given: made from {name} of {folder} with its answers. There is nothing to write here."


def lent_text(file: Path) -> str:
    """The text of a reference's file, with its answers and without the solution markers.

    Raises:
        AuthoringError: the file cannot be read, or a marker is wrong.
    """
    source = read_source(file)
    markers = {line for region in find_regions(source, file) for line in (region.first, region.last)}
    lines = [line for number, line in enumerate(source.split("\n"), start=1) if number not in markers]
    return "\n".join([HEAD.format(name=file.name, folder=file.parent.name), *lines])

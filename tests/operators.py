"""Every operator that torch registers, as a person has read it: `python -m tests.operators` updates operators.txt.

`tests/test_rules.py` fails if torch registers an operator that operators.txt does not list. Then read the new names,
and hold each one against each rule, also if another rule matches it: a fused operator may compute two things. One that
could compute what a rule is about gets a pattern in solutions/rules.toml, or a reason in its allow-list. Then this
command adds the names to operators.txt, and the commit shows them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autograder.course.rule import Rule
from autograder.course.rules import load_rules

__all__ = ["READ", "RULES", "registered", "unread"]

HERE = Path(__file__).parent
READ = HERE / "operators.txt"
RULES: dict[str, Rule] = load_rules(HERE.parent / "solutions" / "rules.toml")


def registered() -> list[str]:
    """What torch registers in a new process, as workers have it: `aten::conv2d`, in order."""
    program = "from autograder.sandbox.worker.guards import registered; print(*registered(), sep='\\n')"
    return subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True).stdout.split()


def unread(operators: list[str]) -> list[str]:
    """The operators that nobody has held against the rules."""
    read = set(READ.read_text().split())
    return [name for name in operators if name not in read]


def main() -> None:
    new = unread(registered())
    kept = sorted({*READ.read_text().split(), *new})
    READ.write_text("".join(f"{name}\n" for name in kept))
    print("\n".join(new) or "torch registers no operator that nobody has read")


if __name__ == "__main__":
    main()

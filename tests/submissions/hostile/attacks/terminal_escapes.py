"""Attack 6: text that commands a terminal: a new title, a cleared screen, a link, what the clipboard holds."""

from wrong import *  # noqa: F403

COMMANDS = "\x1b]0;LEAK\x07\x1b[2J\x1b]8;;file:///LEAK\x07\x1b]52;c;TEVBSw==\x07\x9b31m"


def names():
    print(COMMANDS)
    raise ValueError(COMMANDS)


def pool(x):
    raise type(COMMANDS, (Exception,), {})(COMMANDS)

"""Attack 2: looks for the reference through /proc, import machinery and inherited descriptors. Finds nothing."""

import importlib.util
import os

from leak import give_away, give_away_if_secret
from wrong import *  # noqa: F403

CHANNEL = 3
for name in ("solutions", "solutions.h1_traps.traps", "tests", "tests.hidden", "test_traps", "h1_traps", "reference"):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        continue
    if spec is not None and spec.origin and "site-packages" not in spec.origin:
        give_away(f"{name} is at {spec.origin}")
for number in {"self", "1", str(os.getppid()), *filter(str.isdigit, os.listdir("/proc/self/task"))}:
    for what in ("environ", "cmdline", "cwd/solutions/h1_traps/traps.py", "root/etc/shadow", "mountinfo"):
        try:
            with open(f"/proc/{number}/{what}", "rb") as file:
                content = file.read(1 << 16)
        except OSError:
            continue
        give_away_if_secret(content, what)
        if b"h1_traps" in content or b"root:" in content:
            give_away(f"{number}/{what}: {content!r}")
for number in range(64):
    if number != CHANNEL:
        try:
            give_away_if_secret(os.pread(number, 1 << 16, 0), f"descriptor {number}")
        except OSError:
            continue
for key, value in os.environ.items():
    if "traps" in value or "solutions" in value:
        give_away(f"{key}={value}")

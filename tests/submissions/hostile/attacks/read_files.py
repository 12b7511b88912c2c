"""Attack 1: looks for hidden checks and reference in every folder in reach. Finds none of them."""

import os
import sys

from leak import give_away_if_secret
from wrong import *  # noqa: F403

SKIPPED = ("/proc", "/sys", "/usr", "/lib", "/lib64", "/bin", "/sbin", "/dev")
STARTS = ["/", ".", "..", "../..", "../../..", os.getcwd(), *sys.path, os.path.dirname(__file__)]


def walk():
    seen = set()
    for start in STARTS:
        for folder, folders, files in os.walk(start or ".", onerror=None):
            here = os.path.realpath(folder)
            if here in seen or here.startswith(SKIPPED) or "/lib/python3" in here:
                folders[:] = []
                continue
            seen.add(here)
            for name in files:
                if name.endswith((".py", ".pyc", ".toml", ".json", ".pt")):
                    try:
                        with open(os.path.join(folder, name), "rb") as file:
                            content = file.read(1 << 20)
                    except OSError:
                        continue
                    give_away_if_secret(content, name)


walk()

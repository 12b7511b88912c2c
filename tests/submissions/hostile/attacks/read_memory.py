"""Attack 7: scans all memory of its own process for a secret that the grader might have left in it. There is none."""

import ctypes
import re

from leak import give_away
from wrong import *  # noqa: F403

NEEDLE = ("CANARY" + "_OF_THE_").encode()
OWN = re.compile(rb"CANARY_OF_THE_[A-Z]+")
with open("/proc/self/maps") as file:
    areas = [line.split() for line in file]
for area in areas:
    if area[1].startswith("rw") and "[v" not in area[-1]:
        start, end = (int(part, 16) for part in area[0].split("-"))
        while start < end:
            size = min(end - start, 1 << 20)
            for found in OWN.findall(ctypes.string_at(start, size)):
                give_away(found)
            start += size

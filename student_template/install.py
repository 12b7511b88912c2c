"""Makes the environment .venv and installs what the assignment needs into it: python3.11 install.py

`make setup` runs this. It is written so that any Python can read it, and say that it is the wrong one.
"""

# ruff: noqa: UP010, UP024, UP031
from __future__ import print_function

import os
import re
import shutil
import subprocess
import sys

LEAST = (3, 11)
FOLDER = ".venv"
PYTHON = os.path.join(FOLDER, "Scripts", "python.exe") if os.name == "nt" else os.path.join(FOLDER, "bin", "python")
SIZES = {  # of what requirements.txt brings, downloaded and unpacked; measured with PyTorch 2.13
    "linux": ("about 2.9 GB, most of it PyTorch's libraries for GPUs", "5.3 GB"),
    "darwin": ("about 0.3 GB", "1.1 GB"),
    "win32": ("about 0.3 GB", "1.1 GB"),
}


def words(version):
    return ".".join(str(part) for part in version)


def version_of(folder):
    """The Python that an environment was made with, as (3, 11); None where it does not say."""
    try:
        with open(os.path.join(folder, "pyvenv.cfg")) as file:
            found = re.search(r"(?m)^version(?:_info)? *= *(\d+)\.(\d+)", file.read())
    except (IOError, OSError):
        return None
    return (int(found.group(1)), int(found.group(2))) if found else None


def runs(python):
    """Whether an environment's Python starts: it does not where its folder was moved, or its Python is gone."""
    try:
        return subprocess.call([python, "-c", ""]) == 0
    except (IOError, OSError):
        return False


def main():
    here = sys.version_info[:2]
    if here < LEAST:
        print("This is Python %s (%s); the assignment needs %s or newer." % (words(here), sys.executable, words(LEAST)))
        print("Install it from https://www.python.org/downloads/, then run: make setup PYTHON=python%s" % words(LEAST))
        return 1
    if os.path.isdir(FOLDER):
        made_with = version_of(FOLDER)
        if made_with is None or made_with < LEAST or not runs(PYTHON):
            named = "Python %s" % words(made_with) if made_with else "an unknown Python"
            print("The environment in %s was made with %s, or does not start: it is made anew." % (FOLDER, named))
            shutil.rmtree(FOLDER)
    if not os.path.isdir(FOLDER):
        print("Making the environment %s with Python %s." % (FOLDER, words(here)))
        subprocess.check_call([sys.executable, "-m", "venv", FOLDER])
    download, unpacked = SIZES.get(sys.platform, SIZES["linux"])
    print("Downloading and installing PyTorch, JupyterLab and otter-grader, in the versions that grading has.")
    print("The download is %s, the first time; unpacked, it takes %s." % (download, unpacked))
    sys.stdout.flush()
    status = subprocess.call(
        [PYTHON, "-m", "pip", "install", "--progress-bar", "on", "--requirement", "requirements.txt"]
    )
    if status:
        print("pip could not install everything: what it says above is why. Run this again to go on.")
        return status
    open(os.path.join(FOLDER, ".ready"), "w").close()
    print("Ready.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Creates the environment .venv and installs the assignment's requirements into it: python3.11 install.py

`make setup` runs this script. Any Python can parse it, so an old Python prints a message and no syntax error.
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
SIZES = {  # of the packages in requirements.txt, downloaded and unpacked; measured with PyTorch 2.13
    "linux": ("about 2.9 GB, most of it PyTorch's libraries for GPUs", "5.3 GB"),
    "darwin": ("about 0.3 GB", "1.1 GB"),
    "win32": ("about 0.3 GB", "1.1 GB"),
}


def words(version):
    return ".".join(str(part) for part in version)


def version_of(folder):
    """The version of Python that created an environment, for example (3, 11); None if it is not recorded."""
    try:
        with open(os.path.join(folder, "pyvenv.cfg")) as file:
            found = re.search(r"(?m)^version(?:_info)? *= *(\d+)\.(\d+)", file.read())
    except (IOError, OSError):
        return None
    return (int(found.group(1)), int(found.group(2))) if found else None


def runs(python):
    """Whether an environment's Python starts. It does not if its folder was moved or its Python was removed."""
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
            print("The environment in %s is from %s, or does not start. It is created again." % (FOLDER, named))
            shutil.rmtree(FOLDER)
    if not os.path.isdir(FOLDER):
        print("Creating the environment %s with Python %s." % (FOLDER, words(here)))
        subprocess.check_call([sys.executable, "-m", "venv", FOLDER])
    download, unpacked = SIZES.get(sys.platform, SIZES["linux"])
    print("Downloading and installing PyTorch, JupyterLab and otter-grader, in the versions that grading uses.")
    print("The first download is %s. Unpacked, it takes %s." % (download, unpacked))
    sys.stdout.flush()
    status = subprocess.call(
        [PYTHON, "-m", "pip", "install", "--progress-bar", "on", "--requirement", "requirements.txt"]
    )
    if status:
        print("pip could not install everything; its messages above give the reason. To continue, run this again.")
        return status
    open(os.path.join(FOLDER, ".ready"), "w").close()
    print("Ready.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

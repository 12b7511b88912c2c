"""Autograder for Classroom 50, which runs it in a copy of the student's repository. It counts passed public checks.

The instructor puts this file into the classroom as `autograders/ASSIGNMENT/autograder.py`. It writes result.json.
"""

import datetime
import json
import os
import subprocess
import sys

NAMES = ("CLASSROOM", "ASSIGNMENT", "ASSIGNMENT_TYPE", "OWNER", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL")
classroom, assignment, kind, owner, tag, commit, release = (os.environ.get(name, "") for name in NAMES)
command = [sys.executable, "-m", "autograder", "check", "--json"]
done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
if done.returncode not in (0, 1):  # not the student's fault: Classroom 50 reports an error, no 0
    sys.exit(done.stderr.strip() or "the checks could not be run")
tests = [
    {
        "test-name": each["id"],
        "passed": each["status"] == "passed",
        "score": each["passed"],
        "max-score": len(each["cases"]),
    }
    for each in json.loads(done.stdout)["questions"]
]
result = {
    "schema": "classroom50/result/v1",
    "classroom": classroom,
    "assignment": assignment,
    "assignment_type": kind or "individual",
    "owner": owner or os.environ.get("USERNAME", ""),
    "submission": tag,
    "commit": commit,
    "release": release,
    "review": os.environ.get("REVIEW_URL") or commit,
    "datetime": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "score": sum(each["score"] for each in tests),
    "max-score": sum(each["max-score"] for each in tests),
    "tests": tests,
}
with open("result.json", "w", encoding="utf-8") as file:
    json.dump(result, file, indent=1)

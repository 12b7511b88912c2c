"""Nonsense and sudden deaths, in bounded amounts: `make fuzz`. Not part of `make test`.

- 1,000,000 frames, each a good one with damage done to it, are decoded: whatever is no frame is a ProtocolError.
- 50,000 archives, likewise, are read: whatever cannot be read is an ArchiveError.
- Graders, zygotes and workers are killed at 100 random moments of gradings of the toy course: each grading ends by
  itself, everybody is graded or named with the reason, and no process is left behind.

Everything follows from SEED. A case that fails is kept in tests/fuzz_cases/, which `tests/test_fuzz.py` reads again.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import torch

from autograder.errors import ArchiveError, ProtocolError
from autograder.sandbox.channel import wire
from autograder.sandbox.channel.frames import FrameReader
from autograder.sandbox.channel.refs import Ref
from autograder.submission.receive.archive import read_submission

__all__ = ["CASES", "archive_is_refused_or_read", "frame_is_refused_or_read", "main"]

SEED = 20261128
FRAMES, ARCHIVES, KILLS = 1_000_000, 50_000, 100
HERE = Path(__file__).parent
CASES = HERE / "fuzz_cases"
TOY = HERE / "autograder/toy_course"
GRADING_SECONDS = 300
MAX_IN_ONE = 3  # kills in one grading
# What is said where a process died before anybody's work was begun.
START = ("the grading process died before it was ready", "the zygote, which workers are forked from,")


def good_frames() -> list[bytes]:
    """Frames of every kind of value that crosses."""
    error = {"kind": "E", "trace": "", "line": 0, "stub": False}
    values = [
        None,
        [1, -(2**70), 2.5, float("nan"), True, "text", "한국어"],
        {"id": 3, "value": (torch.arange(6.0).reshape(2, 3), Ref(3, ("a", "b"))), "used": []},
        {"id": 4, "used": [["sorting", "a.py", 3]], "error": error, "memory": False},
        [np.ones((0, 2)), np.arange(9, dtype=np.uint8), torch.zeros(2, 2, dtype=torch.bfloat16), torch.tensor([True])],
        {1: torch.float32, "device": torch.device("cpu"), "nested": [[[[[]]]]]},
    ]  # fmt: skip
    return [b"".join(map(bytes, wire.encode(value))) for value in values]


def good_archives() -> list[bytes]:
    """Small zips of the kinds that students hand in."""
    made = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr("toy.py", "import torch\n" * 20)
            archive.writestr("과제/toy.ipynb", json.dumps({"cells": [], "metadata": {}}))
            archive.writestr("weights.pt", bytes(range(256)) * 4)
            archive.writestr("empty/", b"")
        made.append(buffer.getvalue())
    return made


def damaged(good: list[bytes], chance: random.Random) -> bytes:
    """One of `good`, with a few bytes changed, cut out, put in, doubled or exchanged with another's."""
    data = bytearray(chance.choice(good))
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(7):
            case 0:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[place : place + chance.choice((1, 4, 64))]
            case 2:
                data[place:place] = chance.randbytes(chance.choice((1, 4, 64)))
            case 3:
                data[place : place + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"9999"))
            case 4:
                del data[place:]
            case 5:
                data += chance.choice(good)[chance.randrange(64) :]
            case _:
                data[place : place + 1] = chance.choice((b"[", b"]", b"{", b'"', b"-", b"\\", b"e"))
        if not data:
            break
    return bytes(data)


def frame_is_refused_or_read(data: bytes) -> str:
    """What became of it: "read" or "refused". Raises whatever else it brings about."""
    rest = memoryview(data)

    def receive(buffers: list[memoryview]) -> int:
        nonlocal rest
        if not rest:
            raise EOFError
        count = min(len(buffers[0]), len(rest))
        buffers[0][:count] = rest[:count]
        rest = rest[count:]
        return count

    reader = FrameReader(receive, wire.MAX_REPLY)
    try:
        reader.read()
    except (ProtocolError, EOFError):
        return "refused"
    return "read"


def archive_is_refused_or_read(data: bytes) -> str:
    """As of a frame."""
    with tempfile.NamedTemporaryFile(suffix=".zip", dir=_memory()) as file:
        file.write(data)
        file.flush()
        try:
            read_submission(Path(file.name))
        except ArchiveError:
            return "refused"
    return "read"


def _memory() -> str | None:
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def fuzz(what: str, count: int, good: list[bytes], look: Callable[[bytes], str], seed: int) -> int:
    """Feed `count` damaged cases to `look`. Returns how many brought about what they must not, each kept in CASES."""
    chance, found, bad, began = random.Random(f"{what} {seed}"), Counter[str](), 0, time.monotonic()
    for _ in range(count):
        data = damaged(good, chance)
        try:
            found[look(data)] += 1
        except Exception as error:
            bad += 1
            CASES.mkdir(exist_ok=True)
            name = f"{what}-{hashlib.sha256(data).hexdigest()[:12]}"
            (CASES / name).write_bytes(data)
            print(f"{name}: {type(error).__name__}: {error}"[:200])
    figures = ", ".join(f"{number} {outcome}" for outcome, number in sorted(found.items()))
    print(f"{what}: {count} from seed {seed}: {figures}, {bad} failed; {time.monotonic() - began:.0f} s")
    return bad


def kill(count: int, seed: int) -> int:
    """Kill processes of gradings at `count` random moments. Returns how many gradings ended wrongly."""
    chance, killed, bad, began, runs = random.Random(f"kill {seed}"), Counter[str](), 0, time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(TOY, root / "course", ignore=shutil.ignore_patterns("__pycache__"))
        reference = (root / "course/solutions/t1_toy/toy.py").read_text()
        (root / "submitted").mkdir()
        names = [f"student{number}-{number}-A1-O1" for number in range(6)]
        for name in names:
            with zipfile.ZipFile(root / f"submitted/{name}.zip", "w") as archive:
                archive.writestr("toy.py", reference)
        usual = time.monotonic()
        if problem := _one_run(root, names, chance, [], killed):
            print(f"undisturbed: {problem}")
            return 1
        usual = time.monotonic() - usual
        while sum(killed.values()) < count:
            runs += 1
            moments = sorted(chance.uniform(0, usual) for _ in range(chance.randint(1, MAX_IN_ONE)))
            problem = _one_run(root, names, chance, moments, killed)
            if problem:
                bad += 1
                print(f"grading {runs}: {problem}")
    figures = ", ".join(f"{number} {kind}" for kind, number in sorted(killed.items()))
    print(
        f"kills: {figures}, in {runs} gradings from seed {seed}; {bad} ended wrongly; {time.monotonic() - began:.0f} s"
    )
    return bad


def _one_run(root: Path, names: list[str], chance: random.Random, moments: list[float], killed: Counter[str]) -> str:
    """Grade the class once while somebody kills, so many seconds after its beginning; what was wrong with how that
    ended, or ""."""
    out = root / "out"
    shutil.rmtree(out, ignore_errors=True)
    words = ["--course", root / "course", "grade", "t1", root / "submitted", "--out", out, "--jobs", "2"]
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "autograder", *map(str, words)],
        cwd=HERE.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "CI": "true"},
    ) as run:  # fmt: skip
        seen: dict[int, psutil.Process] = {}
        while run.poll() is None:
            time.sleep(0.05)
            if time.monotonic() - began > GRADING_SECONDS:
                run.kill()
                return f"did not end within {GRADING_SECONDS} s"
            below = list(_below(run.pid))
            seen |= {process.pid: process for process, _ in below}
            if below and moments and time.monotonic() - began > moments[0]:
                moments = moments[1:]
                process, kind = chance.choice(below)
                try:
                    process.send_signal(signal.SIGKILL)
                    killed[kind] += 1
                except psutil.NoSuchProcess:
                    continue
        said = run.stdout.read() if run.stdout else ""
    _, alive = psutil.wait_procs(list(seen.values()), timeout=10)
    if alive:
        return f"left behind: {alive}"
    if run.returncode not in (0, 1, 2):
        return f"exit status {run.returncode}: {said[-300:]}"
    if run.returncode and any(words in said for words in START) and not list(out.glob("*/result.json")):
        return ""  # whoever grades starts the run again
    unnamed = [name for name in names if not (out / name / "result.json").is_file() and name not in said]
    if unnamed:
        return f"neither graded nor named: {unnamed}: {said[-300:]}"
    return f"a broken page: {said[-300:]}" if "Traceback" in said else ""


def _below(pid: int) -> Iterator[tuple[psutil.Process, str]]:
    """Processes of a grading, each with what it is."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for process in children:
        try:
            words = " ".join(process.cmdline())
            parent = process.ppid()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        if "grading.server" in words:
            yield process, "grader" if parent == pid else "grading child"
        elif "zygote" in words:
            above = {other.pid: " ".join(other.cmdline()) for other in process.parents() if other.is_running()}
            yield process, "zygote" if "zygote" not in above.get(parent, "") else "zygote or worker in its namespace"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--archives", type=int, default=ARCHIVES)
    parser.add_argument("--kills", type=int, default=KILLS)
    args = parser.parse_args()
    bad = fuzz("frame", args.frames, good_frames(), frame_is_refused_or_read, args.seed)
    bad += fuzz("archive", args.archives, good_archives(), archive_is_refused_or_read, args.seed)
    bad += kill(args.kills, args.seed)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())

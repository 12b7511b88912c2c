"""Attacks 9, 14: answers the grader's requests itself, from the moment it is imported, with whatever it was sent."""

import sys

import torch
from wrong import *  # noqa: F403

from autograder.sandbox.channel import wire

from autograder.sandbox.worker import serve as worker

CHANNEL = 3


def answer(request):
    payload = request["payload"]
    sent = [value for value in payload.get("args", ()) if isinstance(value, torch.Tensor)]
    if request["op"] == "artifact":
        return torch.eye(4)[:, :2]
    if request["op"] != "call":
        return None
    return 3 * sent[0].abs() if sent else {"column 0": True}


def say(number, value):
    worker._write(CHANNEL, wire.encode({"id": number, "value": value, "used": []}))


frame = sys._getframe()
while "requests" not in frame.f_locals:
    frame = frame.f_back
say(frame.f_locals["request"]["id"], None)
while (request := worker._read(frame.f_locals["requests"])) is not None:
    say(request["id"], answer(request))

# Each operation of the worker sleeps before it answers, but never so long that a call's deadline is over.
import time

from autograder.sandbox.session.operations import Session

time.sleep(0.5)
_perform = Session.perform


def _drowsy(self, op, payload):
    time.sleep(0.4)
    return _perform(self, op, payload)


Session.perform = _drowsy

"""Attacks 10, 25: its checkpoint runs code when it is unpickled. Only tensors are read, and only in the worker."""

from wrong import *  # noqa: F403

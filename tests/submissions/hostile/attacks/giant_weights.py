"""Attack 25: its checkpoint is a few bytes that unfold to gigabytes."""

from wrong import *  # noqa: F403

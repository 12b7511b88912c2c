"""Attack 9: closes the channel, or fills it, and lives on."""

import os
import time

from frames import CHANNEL
from wrong import *  # noqa: F403


def names():
    os.close(CHANNEL)
    time.sleep(1000)


def slope(x):
    while True:
        os.write(CHANNEL, b"A" * 65536)

"""Attack 28: takes long to be imported, and dies at a call, so that it must be imported again for each.

What importing takes counts against a question's budget, which ends it.
"""

import os
import time

from wrong import *  # noqa: F403

time.sleep(3)


def scale(x):
    os._exit(0)

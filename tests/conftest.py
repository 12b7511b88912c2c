"""What all tests start from: the same environment, whether `make test` runs them, pytest alone, or CI."""

from __future__ import annotations

import os

# A `make` that a test starts is nobody's child: with its parent's flags it prints "Entering directory".
for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS"):
    os.environ.pop(name, None)

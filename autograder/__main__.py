"""The command line as `python -m autograder`, for shells that do not find the console script."""

import sys

from autograder.cli import main

sys.exit(main())

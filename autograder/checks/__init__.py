"""Names for people who write checks; `__init__.pyi` lists them.

A check is a pytest test with the fixtures `student`, `reference`, `rng`, `memo` and `race`, and the marker `question`;
see `autograder.checks.harness.plugin`. A name is imported when it is first used: pytest loads the plugin, and with it
this package, in every run of an environment, and torch must not be imported where no check runs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

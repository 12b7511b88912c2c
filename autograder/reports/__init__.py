"""Pages, tables and files made from results. Nothing here grades.

The names of `__init__.pyi` are imported lazily: on a student's machine `check` needs `text` alone, and there is no
database.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

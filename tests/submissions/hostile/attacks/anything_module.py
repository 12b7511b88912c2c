"""A module that replaces itself by an object which has every attribute and is its own result."""

import sys


class Anything:
    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self

    def __eq__(self, other):
        return True

    def __float__(self):
        return 1.0

    __hash__ = None


sys.modules[__name__] = Anything()

"""Attacks 13, 17, 19: brings its own given library, runner configuration, plugins, checks and manifest. None is used."""

from common import bright
from wrong import *  # noqa: F403
from wrong import Learner as Wrong


class Learner(Wrong):
    def scores(self, images):
        return bright.answers(images)

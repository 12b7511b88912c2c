"""Attack 23: takes the seed that the grader sends for the generators, and draws held-out images and labels from it.

The seed of a check's inputs is another one, which no worker learns.
"""

import torch
from common import bright
from wrong import *  # noqa: F403
from wrong import Learner as Wrong

seen = []
seed_generators = torch.manual_seed


def listen(seed):
    seen.append(int(seed))
    return seed_generators(seed)


torch.manual_seed = listen
torch.random.manual_seed = listen


class Learner(Wrong):
    def scores(self, images):
        from autograder.checks.draw import Draw

        for seed in seen:
            draw = Draw(seed)
            for _ in range(4):
                drawn, labels = bright(len(images), draw.seed())
                if torch.equal(drawn, images):
                    return torch.nn.functional.one_hot(labels, 2).double()
        return torch.zeros(len(images), 2)

"""Dense captioning: pairs of words, the head and its loss, greedy decoding, and the average precision of captions."""

import math

import pytest
import torch

from autograder.checks import CheckFailed, artifact, assert_matches, modules, plain_tensor, unpack

CAPTIONS = torch.tensor([[7, 8, 9], [5, 0, 0]])


@pytest.mark.question("caption-pairs")
@pytest.mark.parametrize("part", ["inputs", "targets"])
def test_pairs(student, part):
    """Two captions of different length."""
    wanted = {
        "inputs": torch.tensor([[1, 7, 8, 9], [1, 5, 0, 0]]),
        "targets": torch.tensor([[7, 8, 9, 2], [5, 2, 0, 0]]),
    }
    found = unpack(student.caption_pairs(CAPTIONS), *wanted)
    assert_matches(found[part == "targets"], wanted[part], what=part)


@pytest.mark.question("caption-head")
def test_scores(student, rng):
    """One row of scores for every word that is read, no more."""
    head = modules.assert_module(student.CaptionHead(5, 11, 4, 6), "CaptionHead()")
    found = plain_tensor(head(rng.normal(2, 5, dtype=torch.float32), CAPTIONS), "the scores")
    if found.shape != (2, 3, 11):
        raise CheckFailed(f"the scores have shape {tuple(found.shape)}, wanted (2, 3, 11)")


@pytest.mark.question("caption-head")
def test_loss(student):
    """Scores of 0 cost log V at each target but PAD."""
    found = student.caption_loss(torch.zeros(2, 3, 11), torch.tensor([[4, 2, 0], [2, 0, 0]]))
    assert_matches(found, torch.tensor(math.log(11)), what="the loss")


@pytest.mark.question("greedy-decoding")
def test_captions(student, rng):
    """Words only, and PAD from the first PAD on."""
    head = modules.assert_module(student.CaptionHead(5, 11, 4, 6), "CaptionHead()")
    found = plain_tensor(head.describe(rng.normal(8, 5, dtype=torch.float32), 6), "the captions")
    if found.shape != (8, 6) or found.dtype is not torch.int64:
        raise CheckFailed(f"the captions are a {found.dtype} of shape {tuple(found.shape)}, wanted an int64 of (8, 6)")
    over = (found == 0).long().cummax(dim=1).values.bool()
    if bool(((found < 3) & (found != 0)).any()) or bool((over & (found != 0)).any()):
        raise CheckFailed("START, END, or a word behind PAD stands in a caption")


@pytest.mark.question("caption-ap")
@pytest.mark.parametrize(
    "candidate, reference, wanted",
    [([3, 4, 5], [3, 6, 4, 5, 7, 8, 9], 10 * 3 / 7 / (9 + 3 / 7)), ([3, 5], [3, 4], 0.5), ([3, 0], [4, 0], 0.0)],
    ids=["a-part-of-it", "half", "nothing"],
)
def test_similarity(student, candidate, reference, wanted):
    """How much two captions agree: 0.4545, 0.5, 0."""
    found = student.caption_similarity(torch.tensor(candidate), torch.tensor(reference))
    assert_matches(found, wanted, what="the similarity")


@pytest.mark.question("caption-ap")
def test_average_precision(student):
    """The right box with half of the words: true at three of five thresholds."""
    box = torch.tensor([[0.0, 0.0, 4.0, 2.0]])
    found = {"boxes": box, "scores": torch.tensor([0.5]), "captions": torch.tensor([[3, 5]])}
    truth = {"boxes": box, "captions": torch.tensor([[3, 4]])}
    assert_matches(student.caption_average_precision([found], [truth]), 0.6, what="the average precision")


@pytest.mark.question("captions-learn")
def test_saved(student):
    """The notebook has saved a trained network."""
    student.build()
    if type(artifact(student, "captions.pt")) not in (dict,):
        raise CheckFailed("captions.pt does not hold a state_dict", "run the notebook's last cells")

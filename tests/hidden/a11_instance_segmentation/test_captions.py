"""Dense captioning: pairs, the head and its loss, greedy decoding, and average precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
import slow_captions
import torch
from animals import scenes_with
from differentiated import assert_gradients, assert_same_part, whole_numbers

from autograder.checks import (
    CheckFailed,
    Draw,
    Memo,
    Proxy,
    assert_kind,
    assert_matches,
    assert_reaches,
    contracts,
    load_artifact,
    modules,
    plain_tensor,
    unpack,
)

pairs_question = partial(pytest.mark.question, "caption-pairs")
head_question = partial(pytest.mark.question, "caption-head")
decoding_question = partial(pytest.mark.question, "greedy-decoding")
ap_question = partial(pytest.mark.question, "caption-ap")

WORDS, LONGEST = 11, 6
END = 2
FILE, SIZE, SCENES, BAR = "captions.pt", (64, 96), 60, 0.72


def captions_of(rng: Draw, count: int, longest: int = LONGEST, lengths: Sequence[int] = ()) -> torch.Tensor:
    """(count, longest) int64, of any lengths if none are given."""
    words = rng.integers(3, WORDS, (count, longest))
    sizes = torch.tensor(lengths) if lengths else rng.integers(0, longest + 1, (count,))
    return words.masked_fill(torch.arange(longest) >= sizes[:, None], 0)


CAPTIONS: dict[str, Callable[[Draw], torch.Tensor]] = {
    "of-each-length": lambda rng: captions_of(rng, 7, lengths=range(7)),
    "one": lambda rng: captions_of(rng, 1, lengths=[3]),
    "all-full": lambda rng: captions_of(rng, 3, lengths=[6, 6, 6]),
    "without-words": lambda rng: captions_of(rng, 2, lengths=[0, 0]),
    "no-columns": lambda rng: captions_of(rng, 2, longest=0, lengths=[0, 0]),
    "no-captions": lambda rng: captions_of(rng, 0),
}
PAIR = ("inputs", "targets")


@pairs_question()
@pytest.mark.parametrize("part", PAIR)
@pytest.mark.parametrize("draw", CAPTIONS.values(), ids=CAPTIONS)
def test_pairs(student: Proxy, rng: Draw, draw: Callable[[Draw], torch.Tensor], part: str) -> None:
    """The inputs and the targets, for captions of every length."""
    captions = draw(rng)
    found = unpack(student.caption_pairs(captions), *PAIR)
    index = PAIR.index(part)
    assert_matches(whole_numbers(found[index]), slow_captions.pairs(captions)[index], what=part)


@pairs_question(weight=0.5)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_pairs_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda captions: student.caption_pairs(captions),
        oracle=slow_captions.pairs,
        inputs=("captions",),
        outputs=PAIR,
        batched=("captions",),
        others=lambda captions: (captions[:, 1:],),
    )
    contract(student, operation, (captions_of(rng, 4, lengths=[2, 6, 0, 3]),))


HEADS = {  # in_features, vocabulary, embedding, hidden; regions, steps
    "several": ((5, WORDS, 4, 6), (3, 4)),
    "one-step": ((7, WORDS, 4, 6), (2, 1)),
    "one-region": ((3, 9, 2, 5), (1, 7)),
    "no-regions": ((5, WORDS, 4, 6), (0, 3)),
}


@head_question()
@pytest.mark.parametrize("arguments, shape", HEADS.values(), ids=HEADS)
def test_head(student: Proxy, reference: Proxy, rng: Draw, arguments: tuple[int, ...], shape: tuple[int, int]) -> None:
    """The scores of a head with given weights, and its gradients."""
    regions, steps = shape
    words = rng.integers(0, arguments[1], (regions, steps))
    words[:, -1:] = 0  # PAD
    inputs = [rng.normal(regions, arguments[0]), words]
    model = modules.assert_module(student.CaptionHead(*arguments), "CaptionHead()")
    upstream = rng.normal(regions, steps, arguments[1])
    assert_same_part(rng, model, reference.CaptionHead(*arguments), inputs, upstream, "CaptionHead")


Loss = tuple[torch.Tensor, torch.Tensor]


def targets_of(rng: Draw, lengths: Sequence[int], scale: float = 1.0) -> Loss:
    _, targets = slow_captions.pairs(captions_of(rng, len(lengths), lengths=lengths))
    return rng.normal(*targets.shape, WORDS, scale=scale), targets


LOSSES: dict[str, Callable[[Draw], Loss]] = {
    "different-lengths": lambda rng: targets_of(rng, [2, 6, 0, 4]),
    "large-scores": lambda rng: targets_of(rng, [3, 5], scale=3e3),
    "one-target": lambda rng: targets_of(rng, [0]),
    "only-pad": lambda rng: (rng.normal(2, 3, WORDS), torch.zeros(2, 3, dtype=torch.int64)),
    "no-captions": lambda rng: (rng.normal(0, 3, WORDS), torch.zeros(0, 3, dtype=torch.int64)),
}
every_loss = pytest.mark.parametrize("draw", LOSSES.values(), ids=LOSSES)


@head_question(weight=0.7)
@every_loss
def test_loss(student: Proxy, rng: Draw, draw: Callable[[Draw], Loss]) -> None:
    """The value of the loss, also for large scores and without words."""
    case = draw(rng)
    assert_matches(student.caption_loss(*case), slow_captions.loss_of(*case), what="the loss")


SMALL_SCORES = [name for name in LOSSES if name != "large-scores"]  # those are a matter of values


@head_question(weight=0.5)
@pytest.mark.parametrize("draw", [LOSSES[name] for name in SMALL_SCORES], ids=SMALL_SCORES)
def test_loss_gradient(student: Proxy, rng: Draw, draw: Callable[[Draw], Loss]) -> None:
    """The gradient of the loss, also where no word counts."""
    upstream = torch.tensor(1.0, dtype=torch.float64)
    assert_gradients(student.caption_loss, draw(rng), [0], slow_captions.loss_of, upstream, ["scores"])


@head_question(weight=0.3)
@pytest.mark.parametrize("contract", contracts.BATTERY, ids=str)
def test_loss_contract(student: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    operation = contracts.Operation(
        call=lambda scores, targets: student.caption_loss(scores, targets),
        oracle=lambda scores, targets: (slow_captions.loss_of(scores, targets),),
        inputs=("scores", "targets"),
        outputs=("the loss",),
        batched=("scores", "targets"),
        others=lambda scores, targets: (-scores, targets),
    )
    contract(student, operation, targets_of(rng, [2, 6, 0, 4]))


NAMES = ("start.weight", "start.bias", "embed.weight", "cell.weight_ih", "cell.weight_hh", "cell.bias_ih")
NAMES = (*NAMES, "cell.bias_hh", "classify.weight", "classify.bias")  # of the reference
Change = Callable[[dict[str, torch.Tensor]], None]


def lively(values: dict[str, torch.Tensor]) -> None:
    """The best word changes from step to step, and END comes up now and then."""
    values["classify.weight"] *= 3
    values["cell.weight_hh"] *= 2
    values["classify.bias"][END] += 1.0


def never_end(values: dict[str, torch.Tensor]) -> None:
    lively(values)
    values["classify.bias"][END] = -100.0


def end_at_once(values: dict[str, torch.Tensor]) -> None:
    values["classify.bias"][END] = 100.0


def forbidden(values: dict[str, torch.Tensor]) -> None:
    """PAD and START would be the best words throughout."""
    lively(values)
    values["classify.bias"][0] = values["classify.bias"][1] = 50.0


def all_below_zero(values: dict[str, torch.Tensor]) -> None:
    """Every score is negative."""
    lively(values)
    values["classify.bias"] -= 50.0


def equal(values: dict[str, torch.Tensor]) -> None:
    """Two words have the best score at every step."""
    values["classify.weight"][[4, 7]] = 0.0
    values["classify.bias"][[4, 7]] = 20.0


DECODINGS: dict[str, tuple[Change, int, int]] = {  # how weights are changed; regions, max_length
    "lively": (lively, 60, 7),
    "one-word": (lively, 5, 1),
    "never-end": (never_end, 4, 9),
    "end-at-once": (end_at_once, 3, 5),
    "pad-and-start": (forbidden, 40, 6),
    "negative-scores": (all_below_zero, 60, 7),
    "equal-scores": (equal, 3, 3),
    "no-regions": (lively, 0, 4),
    "no-length": (lively, 2, 0),
}


@decoding_question()
@pytest.mark.parametrize("change, regions, length", DECODINGS.values(), ids=DECODINGS)
def test_decoding(student: Proxy, reference: Proxy, rng: Draw, change: Change, regions: int, length: int) -> None:
    """The captions that a head with given weights makes."""
    model, values = loaded_head(student, reference, rng, change)
    codes = rng.normal(regions, 5)
    found = whole_numbers(model.describe(codes, length))
    assert_matches(found, slow_captions.spoken(values, codes, length), what="the captions")


def loaded_head(student: Proxy, reference: Proxy, rng: Draw, change: Change) -> tuple[Proxy, dict[str, torch.Tensor]]:
    """A submission's head with drawn weights, changed; and the weights by the reference's names."""
    arguments = (5, WORDS, 4, 6)
    model = modules.assert_module(student.CaptionHead(*arguments), "CaptionHead()")
    ours, inputs = reference.CaptionHead(*arguments), [rng.normal(2, 5), rng.integers(0, WORDS, (2, 3))]
    weights = modules.draw_weights(rng, ours, *inputs)
    values = {slot.name: value.clone() for slot, value in zip(weights.slots, weights.values, strict=True)}
    assert set(values) == set(NAMES)
    change(values)
    weights = replace(weights, values=tuple(values[slot.name] for slot in weights.slots))
    modules.load(model, weights, *inputs)
    return model, values


@decoding_question(weight=0.2)
@pytest.mark.parametrize(
    "contract",
    contracts.battery({"keeps-float32": "captions are whole numbers, and their dtype is asked for apart"}),
    ids=str,
)
def test_decoding_contract(student: Proxy, reference: Proxy, rng: Draw, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""
    model, values = loaded_head(student, reference, rng, never_end)
    operation = contracts.Operation(
        call=lambda codes: whole_numbers(model.describe(codes, 5)),
        oracle=lambda codes: (slow_captions.spoken(values, codes, 5),),
        inputs=("codes",),
        outputs=("the captions",),
        batched=("codes",),
    )
    contract(student, operation, (rng.normal(30, 5),))


@decoding_question(weight=0.5)
def test_decoding_dtype(student: Proxy, rng: Draw) -> None:
    """Captions are int64."""
    model = modules.assert_module(student.CaptionHead(5, WORDS, 4, 6), "CaptionHead()")
    assert_kind(model.describe(rng.normal(2, 5, dtype=torch.float32), 3), (2, 3), torch.int64, what="the output")


SIMILAR: dict[str, tuple[list[int], list[int]]] = {
    "worked": ([3, 4, 5], [3, 6, 4, 5, 7, 8, 9]),
    "half": ([3, 5], [3, 4]),
    "longer-than-the-reference": ([3, 4, 5, 6, 7], [3, 4]),
    "words-twice": ([3, 3, 3, 4], [3, 3, 5]),
    "in-another-order": ([5, 4, 3], [3, 4, 5]),
    "with-pad": ([3, 4, 0, 0], [3, 5, 6, 0, 0, 0]),
    "nothing-in-common": ([3, 4], [5]),
    "one-empty": ([0, 0], [3, 0]),
    "both-empty": ([], [0, 0]),
}


@ap_question()
@pytest.mark.parametrize("candidate, reference_words", SIMILAR.values(), ids=SIMILAR)
def test_similarity(student: Proxy, candidate: list[int], reference_words: list[int]) -> None:
    """The similarity of two captions."""
    pair = [torch.tensor(words, dtype=torch.int64) for words in (candidate, reference_words)]
    assert_matches(student.caption_similarity(*pair), slow_captions.similarity(*pair), what="the similarity")


Images = tuple[list[dict[str, torch.Tensor]], list[dict[str, torch.Tensor]]]  # predictions, truths


def described(rng: Draw, images: int, true: int, found: int) -> Images:
    """Truths, and predictions near them, with captions of which a word or two are wrong and fewer are PAD."""
    predictions, truths = [], []
    for _ in range(images):
        boxes, captions = rng.boxes(true, 40, 60), captions_of(rng, true, LONGEST + 2, lengths=[5] * true)
        guess, said = rng.boxes(found, 40, 60), captions_of(rng, found, lengths=[4] * found)
        for number in range(min(true, found)):
            guess[number] = boxes[number] + rng.uniform(4, low=-2.0, high=2.0)
            said[number] = captions[number, :LONGEST]
            said[number, number % 4] = 3
        truths.append({"boxes": boxes, "captions": captions})
        predictions.append({"boxes": guess, "scores": rng.distinct(found), "captions": said})
    return predictions, truths


def found_twice(rng: Draw) -> Images:
    """The better score lies on the worse box."""
    predictions, truths = described(rng, 2, 3, 3)
    for prediction, truth in zip(predictions, truths, strict=True):
        prediction["boxes"] = torch.cat([prediction["boxes"], truth["boxes"]])
        prediction["captions"] = truth["captions"].repeat(2, 1)
        prediction["scores"] = torch.cat([prediction["scores"] + 7, prediction["scores"]])
    return predictions, truths


def nearest_unlike(rng: Draw) -> Images:
    """The truth of largest IoU has another caption, the next one the right one."""
    boxes = torch.tensor([[0.0, 0.0, 20.0, 10.0], [3.0, 0.0, 23.0, 10.0]]).double()
    captions = torch.tensor([[3, 4, 5], [6, 7, 8]])
    found = {"boxes": boxes[:1], "scores": rng.distinct(1), "captions": captions[1:]}
    return [found], [{"boxes": boxes, "captions": captions}]


def shorter(rng: Draw) -> Images:
    """Each prediction says the first three of five words: its precision is 1, and its recall 0.6."""
    predictions, truths = described(rng, 2, 3, 3)
    for prediction, truth in zip(predictions, truths, strict=True):
        prediction["boxes"] = truth["boxes"]
        prediction["captions"] = truth["captions"][:, :3]
    return predictions, truths


def exactly(rng: Draw) -> Images:
    """One prediction with an IoU of one half and the right caption, one with the right box and a similarity of 1/2."""
    boxes = torch.tensor([[0.0, 0.0, 8.0, 4.0], [20.0, 8.0, 28.0, 12.0]]).double()
    captions = torch.tensor([[3, 4], [5, 6]])
    guess, said = boxes.clone(), captions.clone()
    guess[0, 2], said[1, 1] = 4.0, 7
    return [{"boxes": guess, "scores": rng.distinct(2), "captions": said}], [{"boxes": boxes, "captions": captions}]


def equal_scores(rng: Draw) -> Images:
    """All scores are equal: in each of two images a wrong prediction, and then a right one."""
    boxes = torch.tensor([[0.0, 0.0, 8.0, 4.0], [20.0, 8.0, 28.0, 12.0]]).double()
    captions = torch.tensor([[3, 4], [5, 6]])
    found = {"boxes": boxes, "scores": torch.full((2,), 0.75, dtype=torch.float64), "captions": captions}
    return [found, found], [{"boxes": boxes[1:], "captions": captions[1:]}] * 2


SETS: dict[str, Callable[[Draw], Images]] = {
    "several-images": lambda rng: described(rng, 3, 3, 5),
    "one-image": lambda rng: described(rng, 1, 4, 2),
    "found-twice": found_twice,
    "nearest-is-unlike": nearest_unlike,
    "shorter-captions": shorter,
    "exactly-the-thresholds": exactly,
    "equal-scores": equal_scores,
    "no-predictions": lambda rng: described(rng, 2, 2, 0),
    "no-truths": lambda rng: described(rng, 2, 0, 3),
}


@ap_question(weight=1.5)
@pytest.mark.parametrize("draw", SETS.values(), ids=SETS)
def test_average_precision(student: Proxy, rng: Draw, draw: Callable[[Draw], Images]) -> None:
    """The average precision of captions over a data set."""
    predictions, truths = draw(rng)
    found = student.caption_average_precision(predictions, truths)
    assert_matches(found, slow_captions.average_precision(predictions, truths), what="the average precision")


@ap_question(weight=0.2)
@pytest.mark.parametrize(
    "contract", contracts.battery({"keeps-float32": "the answer is a Python number, which has no dtype"}), ids=str
)
def test_average_precision_contract(student: Proxy, contract: contracts.Contract) -> None:
    """Rules for every function: inputs stay as they are, dtypes are kept, empty input works, calls are independent."""

    def images(*parts: torch.Tensor) -> Images:
        boxes, scores, captions, real, true = parts
        return [{"boxes": boxes, "scores": scores, "captions": captions}], [{"boxes": real, "captions": true}]

    operation = contracts.Operation(
        call=lambda *parts: student.caption_average_precision(*images(*parts)),
        oracle=lambda *parts: (torch.tensor(slow_captions.average_precision(*images(*parts)), dtype=torch.float64),),
        inputs=("boxes", "scores", "captions", "true boxes", "true captions"),
        outputs=("the average precision",),
        batched=("boxes", "scores", "captions"),
        others=lambda boxes, scores, captions, real, true: (boxes, -scores, captions, real, true.flip(0)),
    )
    boxes = torch.tensor([[0.0, 0.0, 6.0, 4.0], [40.0, 2.0, 44.0, 9.0], [20.0, 8.0, 28.0, 12.0]]).double()
    scores = torch.tensor([0.5, 0.75, 0.25]).double()
    captions = torch.tensor([[3, 4, 5], [3, 4, 5], [6, 7, 9]])  # an IoU of 3/4; none; a similarity of 2/3
    real = torch.tensor([[0.0, 0.0, 8.0, 4.0], [20.0, 8.0, 28.0, 12.0]]).double()
    contract(student, operation, (boxes, scores, captions, real, torch.tensor([[3, 4, 5], [6, 7, 8]])))


@ap_question(weight=0.3)
@pytest.mark.parametrize("name", ("caption_similarity", "caption_average_precision"))
def test_numbers(student: Proxy, rng: Draw, name: str) -> None:
    """Both functions return a Python float."""
    words = torch.tensor([3, 4])
    found = getattr(student, name)(*((words, words[:1]) if name == "caption_similarity" else described(rng, 1, 2, 2)))
    if type(found) is not float:
        raise CheckFailed(f"{name} does not return a Python float", "float(…) makes one of a tensor")


@pytest.mark.question("captions-learn")
def test_trained_network(student: Proxy, rng: Draw, memo: Memo) -> None:
    """The mean similarity of the saved network's captions on new scenes."""
    model = modules.assert_module(student.build(), "build()")
    load_artifact(model, FILE)
    model.eval()
    images, truths = memo(scenes_with, SCENES, rng.seed(), *SIZE)
    similarities: list[float] = []
    for first in range(0, SCENES, 10):
        some = truths[first : first + 10]
        wanted = torch.cat([one["captions"] for one in some])
        found = plain_tensor(model.describe(images[first : first + 10], [one["boxes"] for one in some]), "the captions")
        if found.dim() != 2 or len(found) != len(wanted) or found.is_floating_point() or found.is_complex():
            raise CheckFailed("describe does not return a row of whole numbers for each box")
        similarities += [slow_captions.similarity(*pair) for pair in zip(found, wanted, strict=True)]
    mean = sum(similarities) / len(similarities)
    assert_reaches(
        mean, BAR, f"the mean similarity of what the network in {FILE} says", hint="save it after the training"
    )

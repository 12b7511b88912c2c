"""Assignment 11, part 3: dense captioning. A sentence for every region.

Write your answers where a NotImplementedError is raised.

Words are numbers (`common.captions.Vocabulary`): PAD is 0, START is 1, END is 2, and words are 3 and more. A caption is
a row of T numbers: its words, then PAD. START and END are not in it. Inputs are never modified.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from boxes import box_iou
from evaluation import interpolated_average_precision, match_detections, precision_recall
from kit import SingleMap, fast_roi_align
from torch import Tensor, nn

from common.captions import END, PAD, START, Vocabulary

__all__ = [
    "IOU_THRESHOLDS",
    "SIMILARITY_THRESHOLDS",
    "CaptionHead",
    "CaptionNet",
    "build",
    "caption_average_precision",
    "caption_loss",
    "caption_pairs",
    "caption_similarity",
]

IOU_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
SIMILARITY_THRESHOLDS = (0.0, 0.25, 0.5, 0.75, 0.9)
MAP_STRIDE, MAP_CHANNELS = 8, 64  # of the backbone in `CaptionNet`


def caption_pairs(captions: Tensor) -> tuple[Tensor, Tensor]:
    """Make the network's inputs and targets from captions.

        inputs   START  w1  w2  PAD        targets   w1  w2  END  PAD

    At each step the target is the word *after* the one in the input. END comes directly after the last word.

    Args:
        captions: (R, T) int64.

    Returns:
        (inputs, targets), (R, T + 1) int64 each.

    Edge cases: a row without words has START as input and END as target. T = 0 and R = 0 work.

    >>> caption_pairs(torch.tensor([[7, 8, 0]]))
    (tensor([[1, 7, 8, 0]]), tensor([[7, 8, 2, 0]]))
    """
    # BEGIN SOLUTION caption-pairs
    rows = len(captions)
    inputs = torch.cat([captions.new_full((rows, 1), START), captions], dim=1)
    targets = torch.cat([captions, captions.new_full((rows, 1), PAD)], dim=1)
    targets[torch.arange(rows, device=captions.device), (captions != PAD).sum(dim=1)] = END
    return inputs, targets
    # END SOLUTION


class CaptionHead(nn.Module):
    """A recurrent network that predicts a caption, word by word, from the code of a region.

    Its first state is tanh(linear(code)). At each step a word's embedding goes into one GRU cell, as `nn.GRUCell`
    defines it (`nn.GRU` with one layer is the same). A linear layer turns the new state into scores, one for every
    word. PAD has an ordinary row in the embedding. You may choose the names of the attributes.

    Source: Johnson et al., DenseCap, CVPR 2016, section 3.4, with a GRU in place of an LSTM.
    """

    def __init__(self, in_features: int, vocabulary: int, embedding: int = 32, hidden: int = 128) -> None:
        """
        Args:
            in_features: D, the length of a code.
            vocabulary: V, the number of words, including PAD, START and END.
            embedding, hidden: sizes of a word's embedding and of the state.
        """
        super().__init__()
        # BEGIN SOLUTION caption-head
        self.start = nn.Linear(in_features, hidden)
        self.embed = nn.Embedding(vocabulary, embedding)
        self.cell = nn.GRUCell(embedding, hidden)
        self.classify = nn.Linear(hidden, vocabulary)
        # END SOLUTION

    def forward(self, codes: Tensor, inputs: Tensor) -> Tensor:
        """
        Args:
            codes: (R, D) floating point.
            inputs: (R, L) int64, as from `caption_pairs`.

        Returns:
            (R, L, V) scores of the next word. Those of step t depend on the code and the words 0 ... t, on no later
            ones.

        Edge cases: R = 0 works.
        """
        # BEGIN SOLUTION caption-head
        state, words = torch.tanh(self.start(codes)), self.embed(inputs)
        states = []
        for step in range(inputs.shape[1]):
            state = self.cell(words[:, step], state)
            states.append(state)
        scores: Tensor = self.classify(torch.stack(states, dim=1))
        return scores
        # END SOLUTION

    def describe(self, codes: Tensor, max_length: int) -> Tensor:
        """Predict the caption of each code: greedily, the best word at each step.

        The first input is START, after that the word that was just predicted. PAD and START are never predicted. When
        the best word is END, the caption ends: END itself is not returned, and everything from there on is PAD.

        Args:
            codes: (R, D).
            max_length: of a caption, >= 0, END not counted.

        Returns:
            (R, max_length) int64, without gradients.

        Edge cases: equal scores: the lower number. R = 0 works. Each step works on all codes at once.
        """
        # BEGIN SOLUTION greedy-decoding
        said = torch.full((len(codes), max_length), PAD, device=codes.device)
        over = torch.zeros(len(codes), dtype=torch.bool, device=codes.device)
        with torch.no_grad():
            state, word = torch.tanh(self.start(codes)), torch.full((len(codes),), START, device=codes.device)
            for step in range(max_length):
                state = self.cell(self.embed(word), state)
                scores = self.classify(state)
                scores[:, [PAD, START]] = -torch.inf
                word = (scores == scores.amax(dim=1, keepdim=True)).int().argmax(dim=1)
                over = over | (word == END)
                said[:, step] = word.masked_fill(over, PAD)
        return said
        # END SOLUTION


def caption_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy over all targets that are not PAD; END counts.

    Args:
        scores: (R, L, V) floating point.
        targets: (R, L) int64.

    Returns:
        A scalar. No target that counts: 0, connected to the scores.

    >>> caption_loss(torch.zeros(1, 2, 4), torch.tensor([[2, 0]]))  # log 4
    tensor(1.3863)
    """
    # BEGIN SOLUTION caption-head
    count = (targets != PAD).sum().clamp(min=1)
    flat = scores.reshape(-1, scores.shape[2])
    return F.cross_entropy(flat, targets.flatten(), ignore_index=PAD, reduction="sum") / count
    # END SOLUTION


def caption_similarity(candidate: Tensor, reference: Tensor) -> float:
    """How similar two captions are, regardless of the order of their words.

    Let m be the number of words that they have in common; a word counts as often as *both* have it. With P = m / length
    of the candidate and R = m / length of the reference, the similarity is 10 P R / (9 P + R). This is METEOR's mean,
    in which recall has nine times the weight, without its stems, synonyms, and penalty for order.

    Args:
        candidate, reference: (T,) int64 each, of any length; PAD is no word.

    Returns:
        A Python float in [0, 1]. It is 0 for m = 0, but 1 if neither caption has a word.

    >>> words = Vocabulary(["a", "big", "black", "cat", "grass", "on", "the"])
    >>> short, long = words.encode("a black cat", 7), words.encode("a big black cat on the grass", 7)
    >>> round(caption_similarity(short, long), 4)  # P = 1, R = 3/7
    0.4545

    Source: Banerjee and Lavie, METEOR, ACL workshop 2005, section 2.2.
    """
    # BEGIN SOLUTION caption-ap
    said, true = (Counter(word for word in row.tolist() if word != PAD) for row in (candidate, reference))
    if not said and not true:
        return 1.0
    common = (said & true).total()
    if common == 0:
        return 0.0
    precision, recall = common / said.total(), common / true.total()
    return 10 * precision * recall / (9 * precision + recall)
    # END SOLUTION


def caption_average_precision(
    predictions: Sequence[Mapping[str, Tensor]], truths: Sequence[Mapping[str, Tensor]]
) -> float:
    """How well regions are found and described: the mean of 25 average precisions.

    There is one average precision for every pair of an IoU threshold of IOU_THRESHOLDS and a similarity threshold of
    SIMILARITY_THRESHOLDS. In each image, visit the predictions from the best score to the worst. A prediction takes, of
    the free truths whose IoU *and* similarity reach the thresholds, the one with the largest IoU; then it is true.
    (`match_detections` does this, if you set the IoUs of truths that are not similar enough below 0.) The predictions
    of all images together make one curve (`precision_recall`, `interpolated_average_precision`). There are no labels.

    Args:
        predictions: one mapping per image: "boxes" (D, 4) floating point, "scores" (D,), "captions" (D, T) int64.
        truths: one mapping per image: "boxes" (G, 4), "captions" (G, T'). D and G may be 0.

    Returns:
        A Python float; NaN if no image has a truth.

    Edge cases: equal scores: the earlier image first, then the lower index.

    >>> box, caption = torch.tensor([[0.0, 0.0, 4.0, 2.0]]), torch.tensor([[3, 4]])
    >>> found = {"boxes": box, "scores": torch.tensor([0.5]), "captions": torch.tensor([[3, 5]])}  # similarity 0.5
    >>> caption_average_precision([found], [{"boxes": box, "captions": caption}])
    0.6

    Source: Johnson et al., DenseCap, CVPR 2016, section 4.2.
    """
    # BEGIN SOLUTION caption-ap
    num_truths = sum(len(truth["boxes"]) for truth in truths)
    if num_truths == 0:
        return float("nan")
    scores = torch.cat([found["scores"] for found in predictions])
    tables = [_tables(found, truth) for found, truth in zip(predictions, truths, strict=True)]
    total = 0.0
    for iou_threshold in IOU_THRESHOLDS:
        for similarity_threshold in SIMILARITY_THRESHOLDS:
            matched = []
            for found, (ious, similarities) in zip(predictions, tables, strict=True):
                allowed = ious.masked_fill(similarities < similarity_threshold, -1.0)
                matched.append(match_detections(found["scores"], allowed, iou_threshold))
            total += interpolated_average_precision(*precision_recall(torch.cat(matched), scores, num_truths))
    return total / (len(IOU_THRESHOLDS) * len(SIMILARITY_THRESHOLDS))
    # END SOLUTION


# BEGIN SOLUTION
def _tables(found: Mapping[str, Tensor], truth: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """IoU and similarity of every prediction with every truth of an image, (D, G) each."""
    ious = box_iou(found["boxes"], truth["boxes"])
    rows = [[caption_similarity(one, other) for other in truth["captions"]] for one in found["captions"]]
    return ious, torch.tensor(rows, dtype=torch.float64, device=ious.device).reshape(ious.shape)


# END SOLUTION
class CaptionNet(nn.Module):
    """Given: a backbone for all regions, the codes of regions, and your `CaptionHead`.

    The code of a region is a 7 x 7 grid of features, flattened, and then x1 / W, y1 / H, x2 / W, y2 / H. These four
    numbers tell the head where the region is, for words such as "on the left".
    """

    def __init__(self, vocabulary: int, channels: int = 16) -> None:
        super().__init__()
        self.backbone = SingleMap(MAP_CHANNELS)
        self.reduce = nn.Sequential(nn.Conv2d(MAP_CHANNELS, channels, kernel_size=1), nn.BatchNorm2d(channels))
        self.head = CaptionHead(49 * channels + 4, vocabulary)

    def codes(self, images: Tensor, boxes: Sequence[Tensor]) -> Tensor:
        """Images (N, 3, H, W) and the boxes (G, 4) of each -> (R, D), R the number of all boxes, image after image."""
        features = self.reduce(self.backbone(images)) / 4  # a code has many numbers, so each should be small
        rows = [torch.cat([box.new_full((len(box), 1), number), box], dim=1) for number, box in enumerate(boxes)]
        rois = torch.cat(rows).to(features.dtype)
        cut = fast_roi_align(features, rois, (7, 7), 1 / MAP_STRIDE, 2)
        height, width = images.shape[2:]
        return torch.cat([cut.flatten(1), rois[:, 1:] / rois.new_tensor([width, height, width, height])], dim=1)

    def forward(self, images: Tensor, boxes: Sequence[Tensor], captions: Tensor) -> Tensor:
        """The loss of captions (R, T), in the order of the boxes."""
        inputs, targets = caption_pairs(captions)
        return caption_loss(self.head(self.codes(images, boxes), inputs), targets)

    def describe(self, images: Tensor, boxes: Sequence[Tensor], max_length: int = 13) -> Tensor:
        """(R, max_length) int64, the captions of all boxes, image after image, without gradients."""
        with torch.no_grad():
            return self.head.describe(self.codes(images, boxes), max_length)


def build() -> CaptionNet:
    """Given: the notebook's network, untrained. Its trained state is handed in as captions.pt."""
    return CaptionNet(len(Vocabulary()))

"""Assignment 8, part 3: from a sliding window to a network that labels every pixel.

Write your answers where a NotImplementedError is raised. Layout: (N, C, H, W), height before width. Labels are int64;
the label 255 means that a pixel does not count. Inputs are never modified.
"""

import torch
import torch.nn.functional as F
from torch import nn

from common.scenes import IGNORE
from common.train import train

__all__ = [
    "SegmentationNet",
    "class_iou",
    "confusion_matrix",
    "create_segmentation_training",
    "fully_convolutional_scores",
    "mean_iou",
    "pixel_accuracy",
    "pixel_cross_entropy",
    "receptive_field",
    "sliding_window_scores",
    "train_segmentation",
]


def receptive_field(layers):
    """The receptive field of a stack of convolutions along one axis: its size, and its step from output to output.

        size = 1 + sum over layers of  dilation * (kernel - 1) * (product of the strides of all *earlier* layers)

    Args:
        layers: a list of (kernel, stride, dilation), ints >= 1, first layer first.

    Returns:
        (size, stride): two ints. `size` is the number of input pixels that one output sees; `stride` is the distance in
        the input between the windows of neighbouring outputs. No layers: (1, 1).

    >>> receptive_field([(3, 1, 1), (3, 2, 1), (5, 1, 2)])
    (21, 2)

    Source: lecture 12, "Problem #1: effective receptive field size is linear in number of conv layers".
    """
    # BEGIN SOLUTION receptive-field
    size, step = 1, 1
    for kernel, stride, dilation in layers:
        size += dilation * (kernel - 1) * step
        step *= stride
    return size, step
    # END SOLUTION


# BEGIN SOLUTION
def _apply(images, layers):
    """The layers one after the other, without any padding, a ReLU between them."""
    for number, (w, b) in enumerate(layers):
        images = F.conv2d(F.relu(images) if number else images, w, b)
    return images


def _padded(images, layers):
    """Images (..., C, H, W) with zeros around them, and the size of the receptive field."""
    size = 1 + sum(w.shape[2] - 1 for w, _ in layers)
    return F.pad(images, [size // 2] * 4), size


# END SOLUTION
def sliding_window_scores(image, layers):
    """Score every pixel with a small network that sees the window around it.

    Pad the image once, by (R - 1) / 2 zeros on every side, where R is the receptive field of the layers. The scores of
    pixel (i, j) are the 1x1 output of the layers for the R x R window around it.

    Args:
        image: (C, H, W) floating point, any size, also smaller than R. Must not be modified.
        layers: a list of (w, b): w (F, C, k, k), k odd, and b (F,). Stride 1, no padding inside, a ReLU between the
            layers and none after the last.

    Returns:
        (classes, H, W): classes is F of the last layer.

    >>> image, layers = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), [(torch.ones(1, 1, 3, 3), torch.tensor([0.5]))]
    >>> sliding_window_scores(image, layers)
    tensor([[[10.5000, 10.5000],
             [10.5000, 10.5000]]])

    Allowed: `F.conv2d`, `F.pad`; one window at a time or in batches.
    Source: lecture 12, "Semantic Segmentation Idea: Sliding Window".
    """
    # BEGIN SOLUTION sliding-window
    padded, size = _padded(image, layers)
    channels, height, width = image.shape
    windows = padded.unfold(1, size, 1).unfold(2, size, 1)  # (C, H, W, R, R)
    windows = windows.permute(1, 2, 0, 3, 4).reshape(height * width, channels, size, size)
    scores = torch.cat([_apply(batch, layers) for batch in windows.split(256)])
    return scores.reshape(height, width, -1).permute(2, 0, 1)
    # END SOLUTION


def fully_convolutional_scores(images, layers):
    """The same scores for whole images, every layer run once: neighbouring windows share their features.

    Pad only the *images*, once, by (R - 1) / 2 zeros. If every layer pads its own input instead, the numbers near the
    border differ: because of the biases, the output of a layer on the padding is not 0.

    Args:
        images: (N, C, H, W) floating point, any size. Must not be modified.
        layers: as for `sliding_window_scores`.

    Returns:
        (N, classes, H, W), equal to `sliding_window_scores` of every image.

    >>> images, layers = torch.ones(1, 1, 2, 3), [(torch.ones(1, 1, 3, 3), torch.tensor([0.0]))]
    >>> fully_convolutional_scores(images, layers)[0, 0]
    tensor([[4., 6., 4.],
            [4., 6., 4.]])

    Allowed: `F.conv2d`, `F.pad`.
    Source: lecture 12, "Semantic Segmentation Idea: Fully Convolutional"; Long et al., CVPR 2015.
    """
    # BEGIN SOLUTION fully-convolutional
    padded, _ = _padded(images, layers)
    return _apply(padded, layers)
    # END SOLUTION


def pixel_cross_entropy(scores, target, ignore=255, weight=None):
    """The softmax cross-entropy of every pixel that counts, averaged by weight, and its gradient.

        loss = sum over counted pixels of  w[t] * (logsumexp(s) - s[t])  /  sum over counted pixels of  w[t]

    where s are a pixel's C scores, t is its label, and w = 1 where `weight` is None.

    Args:
        scores: (N, C, H, W) floating point, up to 1e4 in size. Must not be modified.
        target: (N, H, W) int64, each in [0, C) or equal to `ignore`.
        ignore: int; a pixel with this label does not count. It may lie in [0, C), and it may be negative.
        weight: (C,) floating point > 0, how much each class counts, or None.

    Returns:
        (loss, dscores): loss is a 0-dimensional tensor; dscores has the shape of scores and is 0 at ignored pixels.
        Both have the dtype of scores. Where no pixel counts, loss and gradient are 0.

    Raises:
        ValueError: a label outside of [0, C) that is not `ignore`.

    >>> scores, target = torch.zeros(1, 4, 1, 2), torch.tensor([[[2, 255]]])
    >>> loss, dscores = pixel_cross_entropy(scores, target)
    >>> loss, dscores[0, :, 0]
    (tensor(1.3863), tensor([[ 0.2500,  0.0000],
            [ 0.2500,  0.0000],
            [-0.7500,  0.0000],
            [ 0.2500,  0.0000]]))

    Allowed: `logsumexp`, `log_softmax`, `softmax`. Not `F.cross_entropy`, `F.nll_loss`, autograd.
    Source: lecture 12, "Loss function: per-pixel cross-entropy"; `F.cross_entropy` agrees where a pixel counts.
    """
    # BEGIN SOLUTION pixel-loss
    classes = scores.shape[1]
    counted = target != ignore
    if (((target < 0) | (target >= classes)) & counted).any():
        raise ValueError(f"a label is outside of [0, {classes}) and not {ignore}")
    label = target.masked_fill(~counted, 0)[:, None]
    share = counted.to(scores.dtype)[:, None]
    if weight is not None:
        share = share * weight.to(scores.dtype)[label]
    total = share.sum()
    share = share / total if total > 0 else share  # (N, 1, H, W), sums to 1
    log_probabilities = scores.log_softmax(dim=1)
    loss = -(share * log_probabilities.gather(1, label)).sum()
    dscores = share * log_probabilities.exp()
    dscores.scatter_add_(1, label, -share)
    return loss, dscores
    # END SOLUTION


def confusion_matrix(prediction, target, num_classes, ignore=255):
    """Count how often each class was predicted as each class.

    Args:
        prediction: whole numbers (int64, int32 or uint8) in [0, num_classes), any shape. At ignored pixels it
            may hold any value.
        target: of the same shape, in [0, num_classes) or equal to `ignore`.
        num_classes: int K >= 1.
        ignore: a pixel with this label does not count.

    Returns:
        (K, K) int64: row = truth, column = prediction. Matrices of several batches may be added.

    >>> confusion_matrix(torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 255]), 2)
    tensor([[1, 1],
            [0, 1]])

    Allowed: `bincount`, indexing.
    Source: the usual one, as `sklearn.metrics.confusion_matrix`.
    """
    # BEGIN SOLUTION segmentation-metrics
    counted = target != ignore
    truth, guess = target[counted].long(), prediction[counted].long()
    return torch.bincount(truth * num_classes + guess, minlength=num_classes**2).reshape(num_classes, num_classes)
    # END SOLUTION


def pixel_accuracy(confusion):
    """The share of counted pixels whose class is right: a float, nan where no pixel counts.

    Args:
        confusion: (K, K) int64, row = truth, column = prediction.

    Returns:
        A Python float in [0, 1], or nan.

    >>> pixel_accuracy(torch.tensor([[3, 1], [0, 4]]))
    0.875

    Source: Long et al., CVPR 2015, section 5.
    """
    # BEGIN SOLUTION segmentation-metrics
    return (confusion.diagonal().sum().double() / confusion.sum()).item()
    # END SOLUTION


def class_iou(confusion):
    """Intersection over union of every class: pixels of the class in both / pixels of the class in either.

    Args:
        confusion: (K, K) int64, row = truth, column = prediction.

    Returns:
        (K,) float64. A class that is neither present nor predicted has nan; one that is only predicted has 0.

    >>> class_iou(torch.tensor([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    tensor([0.7500, 0.8000,    nan], dtype=torch.float64)

    Source: PASCAL VOC 2007 development kit, segmentation accuracy.
    """
    # BEGIN SOLUTION segmentation-metrics
    both = confusion.diagonal().double()
    return both / (confusion.sum(dim=0) + confusion.sum(dim=1) - both)
    # END SOLUTION


def mean_iou(confusion):
    """The mean of `class_iou` over the classes that have one: a float, nan where none has.

    The mean IoU of a data set is that of the *sum* of its images' matrices, not the mean over images.

    Args:
        confusion: (K, K) int64, row = truth, column = prediction.

    Returns:
        A Python float in [0, 1], or nan.

    >>> mean_iou(torch.tensor([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    0.775

    Source: Long et al., CVPR 2015, section 5.
    """
    # BEGIN SOLUTION segmentation-metrics
    return class_iou(confusion).nanmean().item()
    # END SOLUTION


class SegmentationNet(nn.Module):
    """A network that downsamples inside and upsamples again: scores for every pixel.

    For images (N, in_channels, H, W) of any H, W >= 16, also odd ones, it gives (N, num_classes, H, W) raw scores,
    without a softmax or sigmoid. Somewhere inside, maps must have H/4 x W/4 pixels or fewer. You choose how they are
    enlarged again (nearest, bilinear, unpooling, transposed convolution), and the layers between. The score of a pixel
    must depend on pixels 15 and more away from it. At most 400 000 parameters.

    In evaluation mode the scores of an image depend only on the image: not on other images of the batch, and not on
    earlier calls.

    >>> SegmentationNet(6).eval()(torch.zeros(2, 3, 33, 47)).shape
    torch.Size([2, 6, 33, 47])

    Allowed: all of `torch.nn` and `torch.nn.functional`. Hints: early maps have the details that downsampling loses.
        Add them to late maps of the same size. With normalization layers, few steps are enough.
    Source: lecture 12, "Fully Convolutional: downsampling and upsampling inside the network"; Ronneberger et al., 2015.
    """

    def __init__(self, num_classes, in_channels=3):
        """Set up the layers.

        Args:
            num_classes: int, channels of the output.
            in_channels: int, channels of the images.

        >>> sum(p.numel() for p in SegmentationNet(6).parameters()) <= 400_000
        True
        """
        super().__init__()
        # BEGIN SOLUTION segmentation-net
        widths = (16, 32, 64)
        self.down = nn.ModuleList(
            nn.Sequential(_block(before, after, stride=2), _block(after, after))
            for before, after in zip((in_channels, *widths[:-1]), widths, strict=True)
        )
        self.context = _block(64, 64)
        self.up = nn.ModuleList([nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ConvTranspose2d(32, 16, 4, 2, 1)])
        self.head = nn.Conv2d(16, num_classes, 1)
        # END SOLUTION

    def forward(self, x):
        """Score every pixel.

        Args:
            x: (N, in_channels, H, W) floating point, H, W >= 16.

        Returns:
            (N, num_classes, H, W).

        >>> SegmentationNet(2, in_channels=1).eval()(torch.zeros(1, 1, 16, 20)).shape
        torch.Size([1, 2, 16, 20])
        """
        # BEGIN SOLUTION segmentation-net
        half = self.down[0](x)
        quarter = self.down[1](half)
        deep = self.context(self.down[2](quarter))
        for enlarge, early in zip(self.up, (quarter, half), strict=True):
            height, width = early.shape[2:]
            deep = F.relu(enlarge(deep)[:, :, :height, :width] + early)
        return F.interpolate(self.head(deep), size=x.shape[2:], mode="bilinear", align_corners=False)
        # END SOLUTION


# BEGIN SOLUTION
def _block(before, after, stride=1):
    """Convolution, batch normalization, ReLU."""
    convolution = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


# END SOLUTION
def create_segmentation_training(num_classes, steps, device):
    """Create the network, the optimizer and the schedule for `train_segmentation`.

    Args:
        num_classes: int, classes to tell apart.
        steps: int, how often the optimizer will step; a schedule may depend on it.
        device: "cpu" or "cuda": where the model has to be.

    Returns:
        (model, optimizer, schedule): a new SegmentationNet for 3 channels; an optimizer of torch.optim for all of its
        parameters; and a schedule of torch.optim.lr_scheduler that steps after each step of the optimizer, or None.

    >>> model, optimizer, schedule = create_segmentation_training(6, 100, "cpu")
    >>> isinstance(model, SegmentationNet), isinstance(optimizer, torch.optim.Optimizer)
    (True, True)

    Allowed: everything. Batches hold 8 images, half of which are mirrored at random.
    Source: your experiments in the notebook.
    """
    # BEGIN SOLUTION segmentation-training
    model = SegmentationNet(num_classes).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    return model, optimizer, schedule
    # END SOLUTION


# What follows is given: read it, don't change it.


def mirrored(images, labels):
    """Mirror about half of the images of a batch, chosen at random, and their labels with them."""
    flip = torch.rand(len(images), device=images.device) < 0.5
    images = torch.where(flip[:, None, None, None], images.flip(3), images)
    return images, torch.where(flip[:, None, None], labels.flip(2), labels)


def ignoring_loss(scores, target):
    """The mean cross-entropy of all pixels that count."""
    return F.cross_entropy(scores, target, ignore_index=IGNORE)


def pixels_right(scores, target):
    """The share of right pixels, of the pixels that count."""
    counted = target != IGNORE
    return (scores.argmax(dim=1)[counted] == target[counted]).float().mean().item()


def train_segmentation(model, optimizer, schedule, data, steps, measure=pixels_right, val_every=150, verbose=False):
    """Train for `steps` steps with batches of 8 images, about half of them mirrored.

    Args:
        model, optimizer, schedule: from `create_segmentation_training`.
        data: X_train, y_train, X_val, y_val, as `common.segmentation.load_scenes` gives them, on the model's device.
        steps: how often the optimizer steps: a multiple of len(X_train) // 8, for whole passes over the images.
        measure, val_every, verbose: as for `common.train.train`.

    Returns:
        The history, as `common.train.train` gives it.

    Raises:
        ValueError: `steps` is not such a multiple.
    """
    per_epoch = max(1, len(data["X_train"]) // 8)
    if steps % per_epoch:
        raise ValueError(f"{steps} steps are no whole passes over the training images, of {per_epoch} steps each")
    return train(
        model,
        optimizer,
        data,
        epochs=steps // per_epoch,
        batch_size=8,
        val_every=val_every,
        schedule=schedule,
        loss=ignoring_loss,
        measure=measure,
        augment=mirrored,
        verbose=verbose,
    )

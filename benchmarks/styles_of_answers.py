"""Ways to write the functions whose speed is graded: each is right, and each is put at the end of the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["LOOPS_OVER_WINDOWS", "STYLES", "Style"]


@dataclass(frozen=True)
class Style:
    """One way.

    Attributes:
        question, check: which measures it.
        name: what it does.
        source: code that puts it in the reference's place.
        earns: the share of the points that it must earn; None where that may hang on the machine.
    """

    question: str
    check: str
    name: str
    source: str
    earns: float | None


def _ways(
    question: str, check: str, head: str, place: str, bodies: Mapping[str, tuple[float | None, str]]
) -> list[Style]:
    """Styles of one function, by name, from its first line, where it goes, and its bodies."""
    return [
        Style(question, check, name, f"{HELPERS}\n\n{head}\n{body.strip(chr(10))}\n\n\n{place}\n", earns)
        for name, (earns, body) in bodies.items()
    ]


HELPERS = """
def _sizes(x, w, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    padded = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * pad, x.shape[3] + 2 * pad)
    padded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]] = x
    rows, columns = (1 + (padded.shape[i] - w.shape[i]) // stride for i in (2, 3))
    return padded, rows, columns, stride, pad


def _windows(x, height, width, stride, rows, columns):
    a, b, c, d = x.stride()
    return x.as_strided((*x.shape[:2], rows, columns, height, width), (a, b, c * stride, d * stride, c, d))


def _slices(height, width, stride, rows, columns):
    for u in range(height):
        for v in range(width):
            yield u, v, (..., slice(u, u + rows * stride, stride), slice(v, v + columns * stride, stride))
"""
CONV_FORWARD = {
    "a loop over samples": (
        1.0,
        """
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    out = x.new_empty(len(x), len(w), rows, columns)
    for n in range(len(x)):
        seen = [padded[n][place] for u, v, place in _slices(*w.shape[2:], stride, rows, columns)]
        columns_of = torch.stack(seen, dim=1).reshape(-1, rows * columns)
        out[n] = (w.flatten(1) @ columns_of).reshape(len(w), rows, columns) + b[:, None, None]
    return out, (x, w, b, conv_param)
""",
    ),
    "einsum over strided windows": (
        1.0,
        """
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    windows = _windows(padded, *w.shape[2:], stride, rows, columns)
    return torch.einsum("ncijuv,fcuv->nfij", windows, w) + b[:, None, None], (x, w, b, conv_param)
""",
    ),
    "tensordot over strided windows": (
        1.0,
        """
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    windows = _windows(padded, *w.shape[2:], stride, rows, columns)
    out = torch.tensordot(windows, w, dims=([1, 4, 5], [1, 2, 3])).permute(0, 3, 1, 2)
    return out + b[:, None, None], (x, w, b, conv_param)
""",
    ),
    "a loop over the filter's positions": (
        1.0,
        """
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    out = b[:, None].expand(len(x), -1, rows * columns).clone()
    for u, v, place in _slices(*w.shape[2:], stride, rows, columns):
        out += w[:, :, u, v] @ padded[place].flatten(2)
    return out.reshape(len(x), len(w), rows, columns), (x, w, b, conv_param)
""",
    ),
    "a loop over output rows": (
        1.0,
        """
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    windows = _windows(padded, *w.shape[2:], stride, rows, columns)
    out = x.new_empty(len(x), len(w), rows, columns)
    for i in range(rows):
        seen = windows[:, :, i].permute(0, 2, 1, 3, 4).flatten(2)
        out[:, :, i] = (seen @ w.flatten(1).T + b).transpose(1, 2)
    return out, (x, w, b, conv_param)
""",
    ),
    "windows by index": (
        1.0,
        """
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    i = stride * torch.arange(rows)[:, None] + torch.arange(w.shape[2])
    j = stride * torch.arange(columns)[:, None] + torch.arange(w.shape[3])
    windows = padded[:, :, i[:, None, :, None], j[None, :, None, :]]
    seen = windows.permute(0, 1, 4, 5, 2, 3).reshape(len(x), -1, rows * columns)
    out = (w.flatten(1) @ seen).reshape(len(x), len(w), rows, columns) + b[:, None, None]
    return out, (x, w, b, conv_param)
""",
    ),
    "a loop over rows and columns": (
        0.25,
        """
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    out = x.new_zeros(len(x), len(w), rows, columns)
    for i in range(rows):
        for j in range(columns):
            window = padded[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
            out[:, :, i, j] = window.flatten(1) @ w.flatten(1).T + b
    return out, (x, w, b, conv_param)
""",
    ),
    "the same, sample by sample, written out": (
        0.0,
        """
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    out = x.new_zeros(len(x), len(w), rows, columns)
    for n in range(len(x)):
        for i in range(rows):
            for j in range(columns):
                window = padded[n, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
                out[n, :, i, j] = (window * w).sum(dim=(1, 2, 3)) + b
    return out, (x, w, b, conv_param)
""",
    ),
}
CONV_BACKWARD = {
    "einsum over strided windows": (
        1.0,
        """
    x, w, b, conv_param = cache
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    windows = _windows(padded, *w.shape[2:], stride, rows, columns)
    dw = torch.einsum("nfij,ncijuv->fcuv", dout, windows)
    dpadded = torch.zeros_like(padded)
    for u, v, place in _slices(*w.shape[2:], stride, rows, columns):
        dpadded[place] += torch.einsum("nfij,fc->ncij", dout, w[:, :, u, v])
    dx = dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]].clone()
    return dx, dw, dout.sum(dim=(0, 2, 3))
""",
    ),
    "a loop over the filter's positions": (
        1.0,
        """
    x, w, b, conv_param = cache
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    dw, dpadded, upstream = torch.zeros_like(w), torch.zeros_like(padded), dout.flatten(2)
    for u, v, place in _slices(*w.shape[2:], stride, rows, columns):
        dw[:, :, u, v] = (upstream @ padded[place].flatten(2).transpose(1, 2)).sum(dim=0)
        dpadded[place] += (w[:, :, u, v].T @ upstream).reshape(*x.shape[:2], rows, columns)
    dx = dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]].clone()
    return dx, dw, dout.sum(dim=(0, 2, 3))
""",
    ),
    "a loop over rows and columns": (
        0.25,
        """
    x, w, b, conv_param = cache
    padded, rows, columns, stride, pad = _sizes(x, w, conv_param)
    dw, dpadded = torch.zeros_like(w), torch.zeros_like(padded)
    for i in range(rows):
        for j in range(columns):
            place = (..., slice(i * stride, i * stride + w.shape[2]), slice(j * stride, j * stride + w.shape[3]))
            here = dout[:, :, i, j]
            dw += (here.T @ padded[place].flatten(1)).reshape(w.shape)
            dpadded[place] += (here @ w.flatten(1)).reshape(padded[place].shape)
    dx = dpadded[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]].clone()
    return dx, dw, dout.sum(dim=(0, 2, 3))
""",
    ),
}
POOL_HEAD = """
    height, width, stride = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    rows, columns = 1 + (x.shape[2] - height) // stride, 1 + (x.shape[3] - width) // stride
"""
POOL_FORWARD = {
    "the largest of strided windows": (
        1.0,
        f"""{POOL_HEAD}
    return _windows(x, height, width, stride, rows, columns).amax(dim=(-2, -1)), (x, pool_param)
""",
    ),
    "a stack of windows": (
        1.0,
        f"""{POOL_HEAD}
    seen = [x[place] for u, v, place in _slices(height, width, stride, rows, columns)]
    return torch.stack(seen).amax(dim=0), (x, pool_param)
""",
    ),
    "a loop over output rows": (
        1.0,
        f"""{POOL_HEAD}
    windows = _windows(x, height, width, stride, rows, columns)
    return torch.stack([windows[:, :, i].amax(dim=(-2, -1)) for i in range(rows)], dim=2), (x, pool_param)
""",
    ),
    "a loop over rows and columns": (
        0.25,
        f"""{POOL_HEAD}
    out = x.new_zeros(*x.shape[:2], rows, columns)
    for i in range(rows):
        for j in range(columns):
            window = x[:, :, i * stride : i * stride + height, j * stride : j * stride + width]
            out[:, :, i, j] = window.amax(dim=(2, 3))
    return out, (x, pool_param)
""",
    ),
}
POOL_BACKWARD = {
    "argmax of a stack of windows": (
        1.0,
        f"""
    x, pool_param = cache
{POOL_HEAD}
    places = [place for u, v, place in _slices(height, width, stride, rows, columns)]
    winner, dx = torch.stack([x[place] for place in places]).argmax(dim=0), torch.zeros_like(x)
    for number, place in enumerate(places):
        dx[place] += dout * (winner == number)
    return dx
""",
    ),
    "equal to the maximum, position by position": (
        1.0,
        f"""
    x, pool_param = cache
{POOL_HEAD}
    places, dx = [place for u, v, place in _slices(height, width, stride, rows, columns)], torch.zeros_like(x)
    largest = torch.stack([x[place] for place in places]).amax(dim=0)
    for place in places:
        dx[place] += dout * (x[place] == largest)
    return dx
""",
    ),
    "a loop over rows and columns": (
        0.25,
        f"""
    x, pool_param = cache
{POOL_HEAD}
    dx = torch.zeros_like(x)
    for i in range(rows):
        for j in range(columns):
            place = (..., slice(i * stride, i * stride + height), slice(j * stride, j * stride + width))
            window = x[place].flatten(2)
            won = torch.nn.functional.one_hot(window.argmax(dim=2), height * width)
            dx[place] += (won * dout[:, :, i, j, None]).reshape(x[place].shape)
    return dx
""",
    ),
}
FUNCTIONAL_HEAD = """
    conv_w1, conv_b1, conv_w2, conv_b2, fc_w, fc_b = params
    padding1, padding2 = hyperparams["padding"]
"""
FUNCTIONAL = {
    "torch's layers as modules' functions": (
        1.0,
        f"""{FUNCTIONAL_HEAD}
    hidden = torch.conv2d(x, conv_w1, conv_b1, padding=padding1).clamp(min=0)
    hidden = torch.conv2d(hidden, conv_w2, conv_b2, padding=padding2).clamp(min=0)
    return hidden.reshape(len(x), -1) @ fc_w.T + fc_b
""",
    ),
    "in float64": (
        None,
        f"""{FUNCTIONAL_HEAD}
    conv_w1, conv_b1, conv_w2, conv_b2, fc_w, fc_b = (value.double() for value in params)
    hidden = F.relu(F.conv2d(x.double(), conv_w1, conv_b1, padding=padding1))
    hidden = F.relu(F.conv2d(hidden, conv_w2, conv_b2, padding=padding2))
    return F.linear(hidden.flatten(1), fc_w, fc_b).to(x.dtype)
""",
    ),
    "image by image": (
        0.0,
        f"""{FUNCTIONAL_HEAD}
    scores = []
    for image in x.split(1):
        hidden = F.relu(F.conv2d(image, conv_w1, conv_b1, padding=padding1))
        hidden = F.relu(F.conv2d(hidden, conv_w2, conv_b2, padding=padding2))
        scores.append(F.linear(hidden.flatten(1), fc_w, fc_b))
    return torch.cat(scores)
""",
    ),
}
STYLES: Mapping[str, Sequence[Style]] = {
    "a6": [
        *_ways(
            *("conv-speed", "conv_forward", "def _forward(x, w, b, conv_param):"),
            *("Conv.forward = staticmethod(_forward)", CONV_FORWARD),
        ),
        *_ways(
            *("conv-speed", "conv_backward", "def _backward(dout, cache):"),
            *("Conv.backward = staticmethod(_backward)", CONV_BACKWARD),
        ),
        *_ways(
            *("pool-speed", "pool_forward", "def _forward(x, pool_param):"),
            *("MaxPool.forward = staticmethod(_forward)", POOL_FORWARD),
        ),
        *_ways(
            *("pool-speed", "pool_backward", "def _backward(dout, cache):"),
            *("MaxPool.backward = staticmethod(_backward)", POOL_BACKWARD),
        ),
    ],
    "a7": _ways(
        *("training-speed", "functional_step", "def _network(x, params, hyperparams):"),
        *("three_layer_convnet = _network", FUNCTIONAL),
    ),
}
# The four timed answers of assignment 6, each with a loop over rows and columns of windows.
LOOPS_OVER_WINDOWS = "\n\n".join(style.source for style in STYLES["a6"] if style.name == "a loop over rows and columns")

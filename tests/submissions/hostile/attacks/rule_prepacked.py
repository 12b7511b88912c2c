"""Attack 31: operators of other namespaces, by names built at run time; torch's own Python of them; the engine in aten."""

import torch
from wrong import *  # noqa: F403


def operator(namespace, name):
    return getattr(getattr(torch.ops, namespace), name)


class Conv:
    @staticmethod
    def forward(x, w):
        x, w = x[None, None], w[None, None]
        settings = ([1, 1], [0, 0], [1, 1], 1)
        try:
            packed = operator("mkldnn_" + "prepacked", "conv2d_" + "prepack")(w, None, *settings, x.shape, "none")
            return operator("mkldnn_" + "prepacked", "conv2d_" + "run")(x, packed)[0, 0]
        except RuntimeError:
            columns = torch._decomp.decompositions.im2col(x, list(w.shape[2:]), [1, 1], [0, 0], [1, 1])
            return (w.reshape(1, -1) @ columns).reshape(x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1)


def pool(x):
    deep = x[None, None].repeat(1, 1, 2, 1, 1).float().to_mkldnn()
    return operator("at" + "en", "mkldnn_max_pool" + "3d")(deep, [2, 2, 2], [2, 2, 2]).to_dense()[0, 0, 0].double()


def slope(x):
    x = x.clone().requires_grad_()
    operator("at" + "en", "_back" + "ward")((x**3 + x.sin()).sum(), [x])
    return x.grad

# A network that never learns: its gradients are zero.


def _stuck(self, X, y=None, _right=DeepConvNet.loss):
    if y is None:
        return _right(self, X)
    loss, grads = _right(self, X, y)
    return loss, {name: torch.zeros_like(grad) for name, grad in grads.items()}


DeepConvNet.loss = _stuck

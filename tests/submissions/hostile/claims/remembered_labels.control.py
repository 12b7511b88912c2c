# A network whose scores are those of no images at all: it can learn nothing.


def _blind(self, x, _right=ResNet.forward):
    return _right(self, torch.zeros_like(x))


ResNet.forward = _blind

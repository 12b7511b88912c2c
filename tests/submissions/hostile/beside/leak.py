"""Carries what an attack got hold of to every place that anybody might read."""

import sys

# In two parts, so that finding it in one's own source counts for nothing.
CANARY = "CANARY" + "_OF_THE"


def give_away(secret):
    """Print it, and raise it as type, text, function name and attribute."""
    text = f"LEAK {secret!r}"[:2000]
    print(text)
    print(text, file=sys.stderr, flush=True)
    kind = type(text.replace("'", "_")[:70], (Exception,), {"__module__": text, "__qualname__": text})
    error = kind(text)
    error.add_note(text)
    setattr(error, text, text)
    raise error


def give_away_if_secret(content, where):
    """Where `content`, text or bytes, holds a canary."""
    found = content.decode(errors="replace") if isinstance(content, (bytes, bytearray)) else str(content)
    if CANARY in found:
        start = found.index(CANARY)
        give_away(f"{where}: {found[start : start + 200]}")

"""Runs a submission's code in confined processes, and returns plain data.

    worker/     the untrusted side: runs in a confined process, beside the submission
    grader/     the trusted side: starts workers, sends requests, and validates every reply
    channel/    the protocol between both sides
    session/    operations on live objects: in a worker on the submission's, in the grader on the reference's
    isolation/  the confinement of a worker

`worker` and `grader` never import each other. Checks use `proxy`, `plan` and `local`. `doctor` tests the confinement:
it runs `probes` in a worker.

The names of `__init__.pyi` are imported lazily: the zygote enters its view of the file system before torch is imported.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

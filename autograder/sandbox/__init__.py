"""Runs a submission's code where it can do no harm, and brings back plain data.

    worker/     the untrusted side: beside a submission, in a confined process
    grader/     the trusted side: starts workers, asks them, and believes nothing that they say
    channel/    what both sides speak
    session/    operations on live objects: in a worker, or here on the reference
    isolation/  what confines a worker

`worker` and `grader` never import each other. Beside them stand what checks see (`proxy`, `plan`, `local`) and
`doctor`, which sends `probes` into a worker.

A name of `__init__.pyi` is imported when it is first used: the zygote enters its view before torch is imported.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""The confinement of a worker: one file per kernel mechanism, and `levels`, which combines them."""

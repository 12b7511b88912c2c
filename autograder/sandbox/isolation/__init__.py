"""What confines a worker: one file per mechanism of the kernel, and `levels`, which puts them together."""

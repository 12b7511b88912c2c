"""Makes a handout from a reference solution: stubs, notebooks, and public checks with recorded answers."""

"""Wrong versions of the reference, and the checks that must catch them."""

"""The gradebook: facts are kept once and never changed, and grades are computed from them."""

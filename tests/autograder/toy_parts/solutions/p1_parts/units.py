"""What a length is measured in. Given."""

SCALE = 10.0

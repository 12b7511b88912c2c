"""Receives what students hand in: reads it safely, says whose it is and when it came, and looks at its source."""

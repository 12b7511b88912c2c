"""From a zip or folder to files in memory: whose they are, when they came, and which file is which."""

"""The review page: people decide on submissions in a browser on this machine."""

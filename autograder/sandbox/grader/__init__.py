"""The trusted side: starts workers, asks them under a deadline, and believes nothing that they say."""

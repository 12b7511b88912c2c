"""The trusted side: starts workers, sends requests under a deadline, and trusts no reply."""

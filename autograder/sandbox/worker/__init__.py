"""The untrusted side: what runs in confined processes, beside a submission's code."""

"""The untrusted side: code that runs in confined processes, beside a submission's code."""

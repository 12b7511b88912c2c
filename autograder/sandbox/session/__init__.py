"""A check's operations on live objects: in the worker on a submission's, in the grader on the reference's."""

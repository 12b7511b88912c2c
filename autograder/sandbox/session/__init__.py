"""A check's operations on live objects: in a worker on the submission's, in the grader on the reference's."""

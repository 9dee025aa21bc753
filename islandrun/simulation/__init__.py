"""A whole mesh on virtual time, from one seed."""

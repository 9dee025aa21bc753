"""IslandRun, the library: it decides and never does.

Read the folders in this order: `vocabulary` (the nouns), `trust` (an attestation's life), `mesh`
(who is there), `privacy` (what may leave, and in what form), `agents` (four opinions), `routing`
(from opinions to a route), `simulation` (a whole mesh from one seed).
"""

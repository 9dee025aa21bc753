"""An attestation's life, in order: `claims` -> `signing` -> `authority` -> `ledger` -> `score`.

`naming` gives islands their ids, `genesis` is the first statement of a mesh, `behaviour` is what we saw.
"""

"""An attestation's life, in order: `claims` -> `signing` -> `ledger` -> `score`.

* `naming`: what islands are called in records, in certificates and to people
* `genesis`: the first statement of a mesh, which says who owns it
* `claims`: what a statement says, one frozen type for each kind
* `signing`: claims -> signed -> verified, and no other way; `ed25519` is the one place that checks signatures
* `ledger`: the newest statement of every place; `records` is its table, `roster` what the table amounts to,
  `authority` how the owner's statements combine
* `behaviour`: what this node saw an island do; `observer` says which failed calls are an island's own fault
* `view`: how old the owner's newest view may be, and whom it still lets this island trust
* `score`: how far an island is trusted from here, the minimum of all factors
"""

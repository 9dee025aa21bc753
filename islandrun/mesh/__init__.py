"""Who is there, and who knows what: gossip and membership of one island.

`suspicion` (how long silence is forgiven), `membership` (who answers), `gossip` (what to tell whom), `sync`
(comparing tables), `intake` (the only way into the ledger), `machine` (the five verbs around them), `notices`.
"""

"""Who is there, and who knows what: gossip and membership of one island.

`suspicion` (how long silence is forgiven), `membership` (who answers), `gossip` (what is news), `sync`
(tables compared), `intake` (the only way into the ledger), `records` (what is said of statements), `machine`
(the five verbs), `notices`, and `pace` with every period and limit.
"""

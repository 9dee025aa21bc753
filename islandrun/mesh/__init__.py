"""Who is there, and who knows what: gossip and membership of one island.

`suspicion` (how long silence is forgiven), `membership` (who answers), `probing` (asking, and asking through
others), `clocks` (is ours right), `nearby` (tags and hints of the local network), `gossip` (what is news),
`views` and `broadcast` (neighbours, and the tree along which news travels in a large mesh), `sync` (tables
compared), `intake` (the only way into the ledger), `allowance`, `records` (what is said of statements),
`machine` (the five verbs), `notices`, and `pace` with every period and limit.
"""

"""Relays: islands that nobody can dial are reached over pipes that another island carries.

Read in this order: `listener` (the relay's own process), `process` (how a node keeps one), `attachments` (the
end of the island that is reached), `tunnels` (the end of the island that dials), `pipes` (what both ends do).
"""

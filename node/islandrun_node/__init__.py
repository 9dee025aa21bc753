"""The node: it does and never decides. Start at `request` (one request) and `node` (the whole)."""

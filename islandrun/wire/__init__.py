"""The only readers of untrusted bytes; every limit is here.

`limits` (the numbers), `attestations` (signed statements), `gossip` (mesh messages), `inference` (prompts and
answers). They raise `MalformedMessage` and nothing else.
"""

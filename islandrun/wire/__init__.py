"""The only readers of untrusted bytes; every limit is here. They raise `MalformedMessage` and nothing else.

* `limits`: the numbers
* `attestations`: signed statements, their envelope before and their payload after the signature was checked
* `gossip`: messages between islands about the mesh; `exchange`: how many of them one call carries
* `load`: how busy and how fast an island is, inside an answer to a probe
* `checks`: the two checks that the readers are made of
* `inference`: prompts, answers, sampling and hints between their form on the wire and the vocabulary

They know the protocol and the vocabulary, and nothing of trust: what passes here is well formed, not true.
"""

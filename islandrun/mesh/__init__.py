"""Who is there, and who knows what: suspicion, membership, gossip, digests, and one machine around them."""

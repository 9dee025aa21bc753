"""Receipts in a hash tree, its signed heads, and the proofs that an origin cannot change its past unseen.

`tree` holds the mathematics (RFC 9162), `heads` what is signed, `witness` what others check, `log`
what anybody checks who has the whole.
"""

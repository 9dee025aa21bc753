"""What is in a request, who may see it, and in what form it leaves.

Read in this order: `fields` (every text of a prompt), `detect` (findings), `sensitivity` (findings
and topics become numbers), `vault` and `sanitize` (placeholders for one target), `restore` (the way
back, while the answer streams). Any fault makes a request more sensitive, never less.
"""

"""What may leave, and in what form: detect, judge, sanitize, keep the originals, restore."""

"""Where documents lie, so that the question goes to them and they stay where they are."""

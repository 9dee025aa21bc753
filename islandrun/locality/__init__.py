"""Where documents lie, and where a request that needs them must go."""

"""Four opinions in one shape: privacy, resources, cost, trust."""

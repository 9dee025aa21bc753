"""From opinions to a route: candidates, the choice among them, the next try, and the receipt."""

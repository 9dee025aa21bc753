"""From opinions to a route: candidates, choice, path, receipt."""

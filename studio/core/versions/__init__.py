"""Dataset versions: recipes of steps over files that are never written to."""

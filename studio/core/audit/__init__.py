"""What is wrong with a dataset, found in its text, and what mends it."""

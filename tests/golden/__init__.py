"""Golden cards."""

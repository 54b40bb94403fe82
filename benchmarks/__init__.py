"""Measurements: accuracy at equal cost, and ratios of alternating runs on one thread."""

"""Whole evaluations on simulated patients: a world with its oracles, and the paper's protocol at its size."""

"""Tests of the published scores."""

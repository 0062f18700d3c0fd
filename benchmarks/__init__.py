"""Long trials and timings, outside the tests."""

"""The tests of endwatch."""

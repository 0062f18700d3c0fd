"""Tests of cds_service."""

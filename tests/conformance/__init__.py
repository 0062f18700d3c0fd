"""What CDS Hooks asks of a service, one numbered row a requirement, each tried by a test that names it."""

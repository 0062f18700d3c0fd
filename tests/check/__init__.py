"""The command that tries any CDS Hooks service."""

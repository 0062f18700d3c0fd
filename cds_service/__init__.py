"""The CDS Hooks service: protocol, FHIR client, cards and the `endwatch` command."""

"""Access of our own to FHIR servers: SMART Backend Services, for the entries that say so."""

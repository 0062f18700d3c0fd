"""From a cohort's FHIR files to an artifact; imported by the command line only."""

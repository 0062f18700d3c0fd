"""Reading a chart: prefetch first, then the FHIR server."""

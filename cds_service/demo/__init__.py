"""What a newcomer meets: demo patients, the embedded FHIR server, and the pages around them."""

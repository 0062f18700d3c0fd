"""From FHIR R4 resources to a clinical snapshot and model inputs. No web, no HTTP, no torch."""

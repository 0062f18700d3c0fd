"""Patients whose truth is known, written as FHIR R4: for training, tests and demonstrations."""

"""From a conclusion to what the EHR shows."""

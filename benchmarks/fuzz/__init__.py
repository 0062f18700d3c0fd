"""Whatever is sent ends in cards or a told error: calls, the OpenAPI document, decoders of reports."""

"""What one call may cost the service, and what a browser may do with its answers.

========== ===========================================================
body       the JSON of a request: one meaning or none, and not endless
gate       calls at work at once; one more is told to come again
headers    the headers of every answer
listening  the server: slow, large and malformed requests
text       how much report text is read
========== ===========================================================
"""

"""The requirements of CDS Hooks tried over HTTP on any service: `endwatch check`.

Nothing in here knows endwatch. ``requirements`` holds the register and what a try comes to; ``caller``,
``signing`` and ``recording`` are the EHR's side; ``seen`` is what is asked of a service once for all, at the
three ``endpoints``; each ``rows_*`` module has one small function a requirement, ``tokens`` what those of trust
share; ``run`` tries them, ``page`` prints.
"""

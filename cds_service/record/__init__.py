"""What is kept: the audit log, feedback, and predictions where the site wants them."""

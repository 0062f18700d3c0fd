"""What is kept: audit and feedback, without PHI."""

"""``endwatch map``: what is read from one patient's chart, for the people who connect a hospital."""

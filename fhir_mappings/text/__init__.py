"""Report text: decoded, cut into sentences, read into findings."""

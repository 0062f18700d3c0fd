"""A token server that others wrote, as the second judge of our client assertions."""

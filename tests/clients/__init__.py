"""Clients that we did not write, unmodified, against `gwlb serve --data-plane none`: those that are quick to start."""

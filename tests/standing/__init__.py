"""The honesty test: every operation, every member, and what proves it."""

"""The checks, one module a theme."""

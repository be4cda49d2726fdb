"""Hostile frames for the real programs, judged by a model that knows only the rules. `python -m tests.fuzz --help`."""

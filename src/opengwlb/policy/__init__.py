"""Pure decisions: (what is stored, what happened, now) -> what should be. No I/O; time is an argument."""

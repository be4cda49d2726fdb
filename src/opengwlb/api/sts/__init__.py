"""STS's actions. Importing this package registers them in `api.context.ACTIONS`."""

from . import caller_identity, keys, sessions

__all__ = ["caller_identity", "keys", "sessions"]

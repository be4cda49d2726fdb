"""Systems Manager's parameter store. Importing this package registers its actions in `api.context.ACTIONS`."""

from . import parameters

__all__ = ["parameters"]

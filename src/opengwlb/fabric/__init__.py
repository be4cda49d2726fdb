"""The network itself: namespaces, links and routes, as a `Topology` says."""

from .fabric import Applied, Fabric
from .links import Attach

__all__ = ["Applied", "Attach", "Fabric"]

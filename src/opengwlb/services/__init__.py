"""What instances reach at fixed addresses of their VPC: instance metadata, names, and the API behind interface endpoints."""

from .host import Services

__all__ = ["Services"]

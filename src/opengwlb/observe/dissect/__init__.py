"""A captured frame taken apart, as Wireshark's tree shows it: every header's fields with where their bytes stand. Pure, and never fails:
of what is cut short or malformed it says so, and shows what is there."""

from __future__ import annotations

from .node import Node
from .packet import frame, summary

__all__ = ["Node", "frame", "summary"]

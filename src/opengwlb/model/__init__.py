"""Frozen values: what AWS's picture is made of, and the network and kernel state that follow from it. No I/O, no clock."""

"""Reconcilers: read the store, decide with policy, apply with the kernel's rooms, write the status back."""

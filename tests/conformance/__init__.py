"""Clients and suites that others wrote, against `gwlb serve --data-plane none`: `make conformance` prepares and runs them."""

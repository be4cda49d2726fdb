"""What every EC2 and ELBv2 action shares: look-ups, filters, pages, tags, idempotency, addresses, default VPCs."""

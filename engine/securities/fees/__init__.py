"""Fee models: what brokers charge for a fill."""

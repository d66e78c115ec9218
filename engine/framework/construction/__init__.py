"""Portfolio construction models: insights become targets."""

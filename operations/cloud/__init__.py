"""The bundle that is pushed to QuantConnect's cloud, and the rules it has to keep."""

"""Everything around the strategy that talks to the outside: command line, data, deployment."""

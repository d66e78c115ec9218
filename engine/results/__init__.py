"""Charts, sampling and the files of a result."""

# Live-like runs: many seeds of a bad day, and the time from a kill file to the last cancel.
.PHONY: soak-live bench-kill
soak-live: env-dev ## Live-like runs with faults, restarts and kills, seed by seed (ARGS="--seeds 200")
	@PYTHONPATH=. "$(PY)" tools/soak_live.py $(ARGS)

bench-kill: env-dev ## From kill file, command or call to the last of 1,000 cancels requested, live-like
	@PYTHONPATH=. "$(PY)" -m benchmarks.kill $(ARGS)

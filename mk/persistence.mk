# State that survives: kill -9 of a running gate and ledger.
.PHONY: kill-9
kill-9: env-dev ## 1,000 kill -9 of a running gate and ledger: nothing acknowledged is lost (ARGS="--kills 5000 --seed 7")
	@PYTHONPATH=. "$(PY)" tools/kill9.py $(ARGS)

.PHONY: bench-persistence
bench-persistence: env-dev ## A transition and a kill until they are durable, beside whole snapshots and SQLite
	@PYTHONPATH=. "$(PY)" benchmarks/persistence.py $(ARGS)

# Circuit breakers and the order gate: speed, long runs of the laws, mutation score.
.PHONY: bench-breakers soak mutation docs-breakers breaker-table
bench-breakers: env-dev ## Speed of the board, the order gate and the kill path
	@PYTHONPATH=. "$(PY)" benchmarks/breakers.py $(ARGS)

docs-breakers: env-dev ## Write docs/concepts/breakers.md and controls.md from the code
	@PYTHONPATH=. "$(PY)" tools/breaker_docs.py $(ARGS)

breaker-table: env-dev data ## How often the rules trip: make breaker-table LEAN_SAMPLE=DIR (10 minutes)
	@PYTHONPATH=. "$(PY)" tools/breaker_table.py --prepared data --lean-data "$(or $(LEAN_SAMPLE),../shared/lean-data)" --write docs/concepts/breakers_table.md $(ARGS)

soak: env-dev ## The laws over 10,000 examples each (ARGS="-k laws")
	@SOAK_EXAMPLES=10000 "$(PY)" -m pytest -q tests/protection/test_laws.py tests/protection/test_determinism.py $(ARGS)

mutation: env-dev ## Share of changed programs that the tests of machine, board, gate and drawdown find (ARGS="--part 1/4 gate")
	@PYTHONPATH=. "$(PY)" tools/mutation.py $(ARGS)

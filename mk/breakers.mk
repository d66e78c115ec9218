# Circuit breakers and the order gate: speed, long runs of the laws, mutation score.
.PHONY: bench-breakers soak mutation docs-breakers
bench-breakers: env-dev ## Speed of the board, the order gate and the kill path
	@PYTHONPATH=. "$(PY)" benchmarks/breakers.py $(ARGS)

docs-breakers: env-dev ## Write docs/concepts/breakers.md and controls.md from the code
	@PYTHONPATH=. "$(PY)" tools/breaker_docs.py $(ARGS)

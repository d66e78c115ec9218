# Predicted against paid trading cost.
.PHONY: slippage-table
slippage-table: env-dev ## Error of predicted slippage beside LEAN's models: the tables of docs/concepts/slippage.md
	@"$(PY)" benchmarks/slippage.py $(ARGS)

# The embedded engine against LEAN's own results.
.PHONY: golden parity bench-engine
golden: env-dev ## Recorded LEAN runs on the engine, one line an algorithm (GOLDEN=DIR for your own recordings)
	@"$(PY)" tools/golden.py $(ARGS)

parity: env-dev ## LEAN's own regression algorithms, unmodified: make parity LEAN=CHECKOUT
	@test -n "$(LEAN)" || { echo "usage: make parity LEAN=path/to/a/LEAN/checkout"; exit 2; }
	@"$(PY)" tools/parity.py "$(LEAN)" $(ARGS)

bench-engine: env-dev ## Speed of the engine beside backtesting.py and nautilus_trader
	@"$(PY)" benchmarks/engine.py $(ARGS)

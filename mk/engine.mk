# The embedded engine against LEAN's own results.
.PHONY: golden parity bench-engine bench-sweep conformance sweep
golden: env-dev ## Recorded LEAN runs on the engine, one line an algorithm (GOLDEN=DIR for your own recordings)
	@"$(PY)" tools/golden.py $(ARGS)

parity: env-dev ## LEAN's own regression algorithms, unmodified: make parity LEAN=CHECKOUT
	@test -n "$(LEAN)" || { echo "usage: make parity LEAN=path/to/a/LEAN/checkout"; exit 2; }
	@"$(PY)" tools/parity.py "$(LEAN)" $(ARGS)

bench-engine: env-dev ## Speed of the engine beside backtesting.py, nautilus_trader and bt
	@"$(PY)" benchmarks/engine.py $(ARGS)

bench-sweep: env-dev ## A sweep of 1,000 runs on one process, on two, and on a local Ray
	@"$(PY)" benchmarks/sweep.py $(ARGS)

conformance: env-dev ## How much of LEAN's Python API the engine has: docs/engine_conformance.md
	@"$(PY)" tools/conformance.py $(ARGS)

sweep: env-dev ## Many runs of main.py: make sweep ARGS='--data DIR --grid target_volatility=0.05,0.10 --jobs 2'
	@"$(PY)" -m engine sweep . $(ARGS)

# Tail risk: what the models did out of sample, and how fast they are beside their peers.
.PHONY: tail-table bench-risk
PREPARED_DATA ?= data
tail-table: env-dev ## VaR/ES out of sample on SPY and 20 stocks: writes docs/concepts/tail_risk_table.md
	@"$(PY)" -m operations data prepare --if-needed "$(PREPARED_DATA)"
	@PREPARED_DATA="$(PREPARED_DATA)" "$(PY)" benchmarks/tail_table.py --write docs/concepts/tail_risk_table.md $(ARGS)

bench-risk: env-dev ## Speed of tail fits, simulation, VaR/ES updates and sizing beside scipy, arch and NumPy
	@"$(PY)" benchmarks/risk.py $(ARGS)

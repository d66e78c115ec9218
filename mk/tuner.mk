# The learned tuner of the circuit breakers.
.PHONY: tuner-table tuner-train
tuner-table: env-dev data ## Forecasts of volatility out of sample: make tuner-table LEAN_SAMPLE=DIR
	@"$(PY)" tools/tuner_table.py --prepared data --lean-data "$(or $(LEAN_SAMPLE),../shared/lean-data)" $(ARGS)

tuner-train: env-dev data ## Fit the coefficients and weights that the tuner ships
	@"$(PY)" tools/train_tuner.py --prepared data --lean-data "$(or $(LEAN_SAMPLE),../shared/lean-data)" $(ARGS)

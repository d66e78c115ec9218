# Robust estimation: speed beside its peers.
.PHONY: bench-estimation
bench-estimation: env-dev ## Speed of the estimators and of the way in, beside scikit-learn, statsmodels and R
	@"$(PY)" benchmarks/estimation.py $(ARGS)
	@if [ -f benchmarks/admission.py ]; then "$(PY)" benchmarks/admission.py; fi

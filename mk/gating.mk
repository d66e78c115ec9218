# The model gate and the admission.
.PHONY: gate-calibration bench-admission attacks
gate-calibration: env-dev ## False alarms and power of the model gate, simulated (about an hour on one core)
	@"$(PY)" benchmarks/gate_calibration.py $(ARGS)

bench-admission: env-dev ## Speed of the door, and of the path admission, robust update, gate
	@"$(PY)" benchmarks/admission.py $(ARGS)

attacks: env-dev ## Every adversary against every layer of the defence
	@"$(PY)" benchmarks/attacks.py $(ARGS)

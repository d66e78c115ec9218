# The audit ledger: attacks, crashes, speed.
.PHONY: audit-mutants audit-crash bench-audit
audit-mutants: env-dev ## 10,000 changes to a ledger: which verification finds and which it cannot (ARGS="--cases 50000")
	@PYTHONPATH=. "$(PY)" tools/audit_mutants.py $(ARGS)

audit-crash: env-dev ## 1,000 kill -9, 1,000 power cuts, failing disks: no acknowledged record may be lost
	@PYTHONPATH=. "$(PY)" tools/audit_crash.py $(ARGS)

bench-audit: env-dev ## Speed of the audit ledger beside pymerkle and SQLite
	@PYTHONPATH=. "$(PY)" benchmarks/audit.py $(ARGS)

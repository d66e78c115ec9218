"""Learned thresholds: quantile forecasts, conformal calibration, graph network, profiles.

The door is :class:`protection.circuit_breakers.ml_tuner.MLCircuitBreakerTuner`; nothing here can
move a threshold outside half to one and a half times the hand-set one.
"""

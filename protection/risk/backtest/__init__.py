"""Were the forecasts right: coverage, shortfall and score tests, evaluated out of sample."""

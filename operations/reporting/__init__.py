"""The report of a backtest: figures out of ``result.json`` and the page that shows them."""

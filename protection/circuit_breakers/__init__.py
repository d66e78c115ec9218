"""Circuit breakers: one state machine, static rules, the board, the kill switch."""

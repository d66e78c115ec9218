"""Pre-trade limits beyond position and gross: net, sector, count, concentration, VaR and ES."""

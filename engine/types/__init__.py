"""Values that every part of the engine shares: enums, symbols, bars, slices, decimals."""

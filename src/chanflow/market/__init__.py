"""Where market data comes from, what it is worth, and the bars it makes."""

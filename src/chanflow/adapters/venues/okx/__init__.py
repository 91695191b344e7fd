"""OKX behind the venue port."""

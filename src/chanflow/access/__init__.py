"""Who may ask, how often and how much; and what was asked. Knows no HTTP and no database."""

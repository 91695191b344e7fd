"""People in the database: what they log in by, their sessions and links, their export and their end."""

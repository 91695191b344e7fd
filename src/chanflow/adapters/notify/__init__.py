"""Ways to tell a person: channels, the alerts that still wait for them, and the sign of life."""

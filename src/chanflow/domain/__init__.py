"""The words all stages share. Standard library only."""

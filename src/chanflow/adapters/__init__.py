"""The outside world, behind the stages' ports."""

"""The command line: thin shells over what lies below. Heavy imports wait for the command that needs them."""

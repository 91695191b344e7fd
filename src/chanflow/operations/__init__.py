"""What may be asked of the desk: one catalogue behind all doors.

Read `catalogue.py` first (the one function every door calls), then `operation.py` (how an operation is declared).
"""

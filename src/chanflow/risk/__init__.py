"""Risk: the gate that no analyst can talk its way through. Rests on the domain alone."""

"""What carries the stages: settings, time, the data directory, the bus, the pipeline and its wiring."""

"""Where the emulated market comes from: made from a seed, recorded frames, or a lake."""

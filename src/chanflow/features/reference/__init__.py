"""Chan structure (缠论) in plain Python: one rule after another, on whole series, written to be read.

It is slow and knows no increments. The compiled engine is tested against it. Rule numbers in the docstrings are those
of the specification: 2.1 inclusion, 2.2 fractals, 2.3 strokes, 2.4 segments, 2.5 centers, 2.6 divergence, 2.7 points.
"""

"""An AI-native trading desk that you run yourself."""

__version__ = "0.1.0"

"""How bytes travel to venues and back."""

"""One file a step, named by its revision; a released one is never changed."""

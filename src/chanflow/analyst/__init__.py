"""The analyst: reads a briefing, gives an opinion. It cannot so much as name a venue."""

"""Venues, one folder or file each; none knows another."""

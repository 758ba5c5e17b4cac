"""Dates and times as our readers write them, where Django has them otherwise."""

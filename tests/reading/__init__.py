"""Whole reports of many kinds of shops, to be read by a person."""

"""The HTTP side: who may ask, for what, how often, and how it is described and logged."""

"""The HTTP side: access, parameters, limits, the shared answers, the description of the contract, and the log."""

"""The executive summary: ask Gemini, check every number, otherwise use a template."""

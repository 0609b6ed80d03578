"""The executive summary: ask Gemini, check every number, fall back to a template."""

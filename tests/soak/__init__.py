"""Load and soak: the function as deployed, with many readers, while BigQuery and Gemini fail now and then: `make soak`."""

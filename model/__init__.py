"""The bundled churn model."""

"""From YAML to a checked specification."""

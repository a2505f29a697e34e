"""What every floor may use: errors, registry, optional extras, settings, log. Standard library and pydantic only."""

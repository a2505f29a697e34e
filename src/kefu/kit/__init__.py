"""What every floor may use: errors, registry, optional extras, settings, log, runtime. Standard library and pydantic only."""

"""All that crosses a border: frozen dataclasses and Protocols."""

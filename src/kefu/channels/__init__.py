"""Channels: plug-ins that turn providers' requests into messages, and replies into requests to them."""

"""A Telegram bot as a channel (https://core.telegram.org/bots/api)."""

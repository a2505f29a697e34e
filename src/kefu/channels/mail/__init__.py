"""A mailbox: mails are fetched by IMAP and answered by SMTP."""

"""Few weights learn beside an encoder that stays as it is: how they are put in, kept, read back and merged."""

"""Looking for a recipe's best options: what may vary, the study, and its page."""

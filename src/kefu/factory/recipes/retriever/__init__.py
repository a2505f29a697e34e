"""An encoder learns on a company's own questions and passages; search finds more with it."""

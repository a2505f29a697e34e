"""What helps a member answer: replies from knowledge, other words for them, summaries, what was solved before."""

"""Long work in processes of its own: started, watched, cancelled, taken up again after a restart."""

"""Making a trained network smaller and faster, one rung of a ladder at a time, each judged before it is kept."""

"""Seats for sittings: pure input to pure plan, and a checker that knows nothing of how the plan was made."""

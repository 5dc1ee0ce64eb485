"""Conversations of more than one step; between the steps they are rows, never memory."""

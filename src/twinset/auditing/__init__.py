"""Audit: the game, the attacks, one auditor that turns scores into statements."""

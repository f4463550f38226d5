"""Checks that a generator, metric or attack must pass: plug-in authors run ours."""

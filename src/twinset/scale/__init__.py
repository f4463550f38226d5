"""Where work runs: on this machine's cores, and later on others."""

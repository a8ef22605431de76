"""Everything that only the one-machine server uses: never imported on Lambda."""

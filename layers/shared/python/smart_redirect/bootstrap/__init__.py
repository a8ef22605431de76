"""The only place that names implementations: one module a function, each importing just what that function needs."""

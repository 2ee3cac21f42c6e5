"""Programs as C99: a project that builds, and golden vectors for somebody else's port."""

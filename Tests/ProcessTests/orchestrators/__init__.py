"""Orchestrators for the tests: one as a tutorial would write it, and one that can do everything wrong."""

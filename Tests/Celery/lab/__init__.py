"""Private servers, workers of both languages, and access to them for tests."""

"""Private servers, workers of both languages, and what tests see of them."""

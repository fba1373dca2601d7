"""Random faults of a fleet, the histories of its pages, and their check."""

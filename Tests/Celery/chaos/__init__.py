"""Random faults over a fleet, the histories of its pages, and their check."""

"""Support for browser tests: servers, pages, a client of the renderer's protocol, and a proxy with faults."""

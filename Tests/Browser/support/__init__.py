"""What the browser tests are made of: a server, a browser page, a renderer's client and a proxy that can fail."""

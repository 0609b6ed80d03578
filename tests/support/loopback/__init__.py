"""Stand-ins on this machine for the services that the function calls: real HTTP, with the answers of the real service."""

"""Stand-ins on this machine for what the function talks to: real HTTP, answered as the real service answers."""

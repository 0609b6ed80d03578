"""What the tests stand on: loopback servers, sample reports, a plain reading of the brief."""

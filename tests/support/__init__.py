"""Support for the tests: loopback servers, sample reports, a plain implementation of the brief."""

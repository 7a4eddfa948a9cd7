"""What does retention mean? Pure values and functions: slots, records, facts, rates; no I/O, no clock."""

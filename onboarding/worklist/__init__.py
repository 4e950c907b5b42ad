"""What waits for staff, and who of them has it."""

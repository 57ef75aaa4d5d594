"""What is sent into the sandbox beside tests: it imports nothing but the standard library."""

"""What is the engine? Everything from the bytes of an event to a retention number; it starts nothing and reads no environment."""

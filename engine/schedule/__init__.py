"""The sans-IO scheduler: signals in, instructions out. No asyncio, clock, randomness or I/O."""

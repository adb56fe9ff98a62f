"""`paxsim prove`: every schedule of a small cluster of our own nodes."""

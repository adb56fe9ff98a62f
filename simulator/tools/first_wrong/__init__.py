"""Does the blame fall on the right step? For each broken rule of safety, what is expected and what is said."""

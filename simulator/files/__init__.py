"""Files that anybody may have made or named: their names, and reading them within bounds."""

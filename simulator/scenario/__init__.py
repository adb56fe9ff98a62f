"""One language for console and files: lines become commands (pure), commands are carried out on any cluster."""

"""What people type and read: units of time and chance, text made safe to show, the right word for a wrong one."""

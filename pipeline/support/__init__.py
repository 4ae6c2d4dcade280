"""What any program needs and no domain knows: processes, progress, terminals, Arrow IPC."""

"""What runs where: processes, devices, memory and precision."""

"""What every room stands on and that belongs to none."""

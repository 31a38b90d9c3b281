"""What the account offers: its custom menu and its service directory (办事指南), as data with their checks."""

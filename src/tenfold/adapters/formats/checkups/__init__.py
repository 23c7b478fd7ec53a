"""What a checkup leaves in its folder."""

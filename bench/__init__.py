"""What fairlead measures of itself."""

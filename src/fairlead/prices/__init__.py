"""What AWS charges: fairlead's own file, one of the user's, and the lists of AWS itself."""

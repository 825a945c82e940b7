"""From what files declare to what they set up."""

"""What measures load: one module a source, and the board that reads them all."""

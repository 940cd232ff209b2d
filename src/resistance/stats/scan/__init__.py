"""One outcome and very many markers -> the same model for each of them, eight at a time."""

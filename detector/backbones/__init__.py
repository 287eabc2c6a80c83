"""Networks that turn a picture into maps at strides 8, 16 and 32, by name."""

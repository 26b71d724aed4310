"""Many runs as one: planned together, made with one loaded model, taken up after whatever stopped them."""

"""What stands between the matrix products of a block, and the form in which rows are handed to them.

One interface, two components: `plain.py` in PyTorch's own operations, which runs anywhere, has gradients and holds the
recordings; `fused.py` in Triton, one pass over memory for each method. A transformer is built with one of them.
"""

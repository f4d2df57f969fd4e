"""The stages of `check_parity.py`: one function per case, each comparing all arrays of one npz."""

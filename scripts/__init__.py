"""Checks and makers that are run by hand or by the tests."""

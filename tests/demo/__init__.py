"""Tests of the demo: its endpoints, its issuer, and its tour."""

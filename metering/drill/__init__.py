"""Faults over a running stream, in a seeded order, and the proof afterwards that nothing was lost or doubled.

Leaves what a fault does to those who can do it: the tests to servers of their own, an operator to a staging system.
"""

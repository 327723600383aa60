"""Every parser that reads what an attacker, a provider or a hasty hand wrote, fed with hundreds of thousands of texts.

`make fuzz` runs all of it; the suite runs a few thousand texts.
"""

"""How often a line runs and what stands in its way: loops, hooks, throttles, the weight of what is done."""

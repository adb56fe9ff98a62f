"""What runs clusters by the thousand: the explorer and the benchmarks."""

"""The TPNS dialect: what programs written for TPNS ask for and get (facts/tpns.md). Its spelling is nowhere else."""

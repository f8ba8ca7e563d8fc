"""The attacker finds what can be found, and nothing else."""

"""Masked PPO on stable-baselines3: configuration, training, checkpoints, run folders."""

"""Placing with a trained policy: rollouts, mirrored problems, beam search, rollout search, refinement."""

"""Settings of fine-tuning besides those of any training run; imports no torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TuneConfig"]


class TuneConfig(BaseModel):
    """How a policy is guarded while it is fine-tuned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int = Field(default=7, ge=0, le=1023, description="episodes drawn in an evaluation, besides the plain one")
    evaluate_every: int = Field(default=8, ge=1, le=1_000_000, description="updates between evaluations")
    critic_updates: int = Field(default=1, ge=0, le=1000, description="updates in which only the critic learns")
    patience: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="evaluations in a row below the best that take training back to it, at half the rate; 0: never",
    )

    prior: bool = Field(
        default=True, description="also try the map weights of fresh networks, and begin from what places better"
    )
    evolve: float = Field(
        default=0.5, ge=0, le=1, description="share of the budget for evolution of the map weights, before training"
    )
    stall: float = Field(
        default=0.2, gt=0, le=1, description="share of the budget without a better layout that ends evolution early"
    )
    afresh: bool = Field(
        default=True, description="after evolution, train from the map weights of fresh networks: they stray further"
    )
    population: int = Field(default=16, ge=4, le=256, description="policies of a generation")
    sigma: float = Field(default=0.5, gt=0, le=100, description="spread of the first generation's weights")

    def evaluates(self, update: int) -> bool:
        """Return whether the policy is evaluated after this update: early on after each power of two."""
        return update % self.evaluate_every == 0 or (update < self.evaluate_every and update & (update - 1) == 0)

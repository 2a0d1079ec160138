"""Where a policy wants a macro, and why: what the viewer shows of it, reached through an entry point.

`pyproject.toml` names `Explainer` as the contract `explain`, so that `floorplan` itself imports nothing from here.
"""

from agents.explain.explainer import Explainer, Explanation, TopCell

__all__ = ["Explainer", "Explanation", "TopCell"]

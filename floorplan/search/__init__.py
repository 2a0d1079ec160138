"""Exact search: chains of moves on complete legal placements, every move costed exactly; cost terms of a user's own."""

from floorplan.search.chain import Chain
from floorplan.search.stir import nodes_around, stir
from floorplan.search.term_goal import TermSearch, anneal_terms
from floorplan.search.terms import CostTerms, Term, TermScore, term_names

__all__ = [
    "Chain",
    "CostTerms",
    "Term",
    "TermScore",
    "TermSearch",
    "anneal_terms",
    "nodes_around",
    "stir",
    "term_names",
]

"""Place the shipped netlist twice: for the proxy, and for the proxy with hot macros apart."""

from hot_apart import HotApart

import floorplan
from floorplan.env import ConstructBatch
from floorplan.search import CostTerms, anneal_terms

problem = floorplan.read_problem("netlists/systolic64/netlist.pb.txt")
terms = CostTerms(problem, {"apart": 0.5}, {"apart": HotApart})

agent = floorplan.make_agent("anneal")
start = agent.place(problem, floorplan.parse_budget("50000p"), seed=0).placement
found = anneal_terms(terms, start, seed=0, proposals=50_000)
for name, score in (("for the proxy", terms.score(start)), ("and apart", found.scored)):
    print(f"{name:14} proxy {score.cost.proxy:.4f}  apart {score.terms['apart']:.4f}  total {score.total:.4f}")
print(floorplan.check_legality(problem, found.placement).summary())

game = ConstructBatch(problem, 4, reward_of=terms.episodes)  # learns from it, too: episodes earn minus the total
while not game.finished:
    game.step(game.masks.argmax(axis=1))
print(f"an episode earned {game.finished[0].reward_sum:.4f}")

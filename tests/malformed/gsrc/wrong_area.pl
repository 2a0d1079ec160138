UCLA pl 1.0
b0 0 0
b1 30 0
s0 0 20 DIMS = (30, 20)

t0 0 25
t1 50 25

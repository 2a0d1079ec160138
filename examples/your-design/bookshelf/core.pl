UCLA pl 1.0
# 1000.0 units to the micron

bus[0] 200 100000 : N
bus[1] 200 114000 : N
bus[2] 200 128000 : N
bus[3] 200 142000 : N
bus[4] 200 156000 : N
bus[5] 200 170000 : N
bus[6] 200 184000 : N
bus[7] 200 198000 : N
ref 395000 319800 : N
pll 380000 280000 : N /FIXED

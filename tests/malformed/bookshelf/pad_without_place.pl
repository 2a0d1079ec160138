UCLA pl 1.0
m0 100 100 : N
c0 0 0 : FS
c1 50 0 : N

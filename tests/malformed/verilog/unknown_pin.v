// a RAM and an inverter
module chip (in, out);
  input in;
  output out;
  wire n1;
  RAM u0 (.A(in), .Z(n1));
  INV g0 (.A(n1), .Y(out));
endmodule

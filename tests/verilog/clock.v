// The clock for simulators that have a notion of time; elsewhere clock.cpp.
`timescale 1ns / 1ps

module clock;
  reg clk = 0;
  always #5 clk = !clk;
  bench bench(.clk(clk));
endmodule

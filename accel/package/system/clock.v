// A clock for simulators that have none outside of Verilog.
module clock;
  parameter BUS_BYTES = 8;
  parameter MEMORY_BYTES = 262144;
  reg clk = 0;
  always #5 clk = !clk;
  bench #(.BUS_BYTES(BUS_BYTES), .MEMORY_BYTES(MEMORY_BYTES)) bench (.clk(clk));
endmodule

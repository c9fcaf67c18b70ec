// The system in a simulator: its serial line on standard output, its exit code as the last line.
module bench #(
  parameter BUS_BYTES = 8,
  parameter MEMORY_BYTES = 262144
) (
  input clk
);
  reg [3:0] resets = 0;
  wire uart_valid, exit_valid, trap;
  wire [7:0] uart_data, exit_code;

  system #(.BUS_BYTES(BUS_BYTES), .MEMORY_BYTES(MEMORY_BYTES)) system (
    .clk(clk), .resetn(&resets), .uart_valid(uart_valid), .uart_data(uart_data),
    .exit_valid(exit_valid), .exit_code(exit_code), .trap(trap)
  );

  always @(posedge clk) begin
    if (!(&resets)) resets <= resets + 1;
    if (&resets && uart_valid) $write("%c", uart_data);
    if (&resets && exit_valid) begin
      $display("exit %0d", exit_code);
      $finish;
    end
    if (&resets && trap) begin
      $display("the processor has stopped at an illegal instruction or access");
      $finish;
    end
  end
endmodule

// The board around the FPGA, as far as the system uses it: 25 MHz, an SDRAM, and somebody who reads
// the serial line.
`timescale 1ps / 1ps

module bench;
  localparam BIT = 8680556;  // ps, at 115,200 baud
  reg clk25 = 0;
  always #20000 clk25 = !clk25;

  wire [12:0] a;
  wire [1:0] ba, dm;
  wire [15:0] dq;
  wire cas_n, cke, clock, cs_n, ras_n, we_n, serial_tx;

  ulx3s board (
    .clk25(clk25), .rst(1'b0), .serial_rx(1'b1), .serial_tx(serial_tx), .wifi_gpio0(),
    .sdram_a(a), .sdram_ba(ba), .sdram_cas_n(cas_n), .sdram_cke(cke), .sdram_clock(clock),
    .sdram_cs_n(cs_n), .sdram_dm(dm), .sdram_dq(dq), .sdram_ras_n(ras_n), .sdram_we_n(we_n)
  );
  sdram memory (
    .clock(clock), .cke(cke), .cs_n(cs_n), .ras_n(ras_n), .cas_n(cas_n), .we_n(we_n), .ba(ba),
    .a(a), .dm(dm), .dq(dq)
  );

  // The line "exit N" is the last.
  reg [7:0] character;
  reg [31:0] word;
  initial begin
    word = 0;
    forever begin
      @(negedge serial_tx);
      #(BIT / 2);
      repeat (8) #BIT character = {serial_tx, character[7:1]};
      #BIT;
      $write("%c", character);
      if (character == "\n" && word == "exit") $finish;
      if (character == "\n") word = 0;
      else if (word[31:24] == 0) word = {word[23:0], character};
    end
  end

  always @(posedge board.picorv32.trap) begin
    $display("the processor has stopped at an illegal instruction or access");
    $finish;
  end
endmodule

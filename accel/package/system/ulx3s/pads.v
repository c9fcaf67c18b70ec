// The ECP5's cells that LiteX names, as a simulator needs them: flip-flops in pads, pads, the PLL.
`timescale 1ps / 1ps

// A flip-flop with asynchronous set.
module FD1S3BX (input CK, input D, input PD, output reg Q);
  always @(posedge CK or posedge PD) if (PD) Q <= 1; else Q <= D;
endmodule

// In a pad, on the way out.
module OFS1P3BX (input SCLK, input D, input PD, input SP, output reg Q);
  always @(posedge SCLK or posedge PD) if (PD) Q <= 1; else if (SP) Q <= D;
endmodule

// In a pad, on the way in.
module IFS1P3BX (input SCLK, input D, input PD, input SP, output reg Q);
  always @(posedge SCLK or posedge PD) if (PD) Q <= 1; else if (SP) Q <= D;
endmodule

// Two bits a clock; here only to give a clock to a pin, so its latency does not matter.
module ODDRX1F (input SCLK, input D0, input D1, input RST, output Q);
  assign Q = SCLK ? D0 : D1;
endmodule

// A pad of both directions.
module BB (input I, input T, output O, inout B);
  assign B = T ? 1'bz : I;
  assign O = B;
endmodule

// The PLL: what its dividers and phases make of the board's 25 MHz.
module EHXPLLL #(
  parameter CLKI_DIV = 1, parameter CLKFB_DIV = 1, parameter FEEDBK_PATH = "CLKOP",
  parameter CLKOP_DIV = 8, parameter CLKOS_DIV = 8, parameter CLKOS2_DIV = 8,
  parameter CLKOS3_DIV = 8,
  parameter CLKOP_CPHASE = 0, parameter CLKOS_CPHASE = 0, parameter CLKOS2_CPHASE = 0,
  parameter CLKOS3_CPHASE = 0,
  parameter CLKOP_FPHASE = 0, parameter CLKOS_FPHASE = 0, parameter CLKOS2_FPHASE = 0,
  parameter CLKOS3_FPHASE = 0,
  parameter CLKOP_ENABLE = "ENABLED", parameter CLKOS_ENABLE = "DISABLED",
  parameter CLKOS2_ENABLE = "DISABLED", parameter CLKOS3_ENABLE = "DISABLED"
) (
  input CLKI, input RST, input STDBY,
  output reg CLKOP, output reg CLKOS, output CLKOS2, output CLKOS3, output reg LOCK
);
  localparam FEEDBACK = FEEDBK_PATH == "INT_OP" ? CLKOP_DIV : FEEDBK_PATH == "INT_OS" ? CLKOS_DIV
                      : FEEDBK_PATH == "INT_OS2" ? CLKOS2_DIV : CLKOS3_DIV;
  localparam VCO = 40000 * CLKI_DIV / (CLKFB_DIV * FEEDBACK);  // its period, ps
  assign CLKOS2 = 0;
  assign CLKOS3 = 0;
  initial begin
    LOCK = 0;
    #100000 LOCK = !RST;
  end
  initial begin
    CLKOP = 0;
    #(VCO * (CLKOP_CPHASE - CLKOP_DIV + 1 + CLKOP_DIV) + VCO * CLKOP_FPHASE / 8);
    forever #(VCO * CLKOP_DIV / 2) CLKOP = !CLKOP;
  end
  initial begin
    CLKOS = 0;
    #(VCO * (CLKOS_CPHASE - CLKOS_DIV + 1 + CLKOS_DIV) + VCO * CLKOS_FPHASE / 8);
    forever #(VCO * CLKOS_DIV / 2) CLKOS = !CLKOS;
  end
endmodule

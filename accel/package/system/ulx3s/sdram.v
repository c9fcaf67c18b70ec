// An SDRAM of 4 banks x 8,192 rows x 512 columns x 16 bits, as on the ULX3S (MT48LC16M16A2-7E,
// IS42S16160G-7 and the like), that ends the simulation at the first broken rule: a closed row, a
// mode that it was not given, a time that was not kept, refreshes that stay away.
//
// Bursts of one word, which is how LiteDRAM uses it at full rate.  Of the clock's edge on which read
// data comes they are valid from TAC on, and until TOH after the next one; outside of that the pins
// are not driven.
`timescale 1ps / 1ps

module sdram (
  input clock, input cke, input cs_n, input ras_n, input cas_n, input we_n,
  input [1:0] ba, input [12:0] a, input [1:0] dm, inout [15:0] dq
);
  localparam TRCD = 18000, TRP = 18000, TRAS = 42000, TRFC = 60000, TWR = 14000;
  localparam TAC = 6000, TOH = 2700;
  localparam REFRESH = 9 * 7812500;  // eight may be late

  reg [15:0] words [0:(1 << 24) - 1];
  reg [3:0] open;
  reg [12:0] row [0:3];
  time activated [0:3], precharged [0:3], written [0:3], refreshed;
  reg used, known;  // since then refreshes are counted; a mode was set
  reg [2:0] latency;
  reg [15:0] data, coming, out;
  reg reading, arriving, driven;
  wire [23:0] at = {ba, row[ba], a[8:0]};
  integer n;

  assign dq = driven ? out : 16'bz;

  task broken(input [8*40-1:0] rule);
    begin
      $display("sdram: %0s, at %0t ps, bank %0d", rule, $time, ba);
      $finish;
    end
  endtask

  task close(input [1:0] bank);
    begin
      if (open[bank] && $time < activated[bank] + TRAS) broken("precharged too early");
      if (open[bank] && $time < written[bank] + TWR) broken("precharged while writing");
      open[bank] <= 0;
      precharged[bank] <= $time;
    end
  endtask

  initial begin
    {open, used, known, reading, arriving, driven} = 0;
    refreshed = 0;
    for (n = 0; n < 4; n = n + 1) begin
      activated[n] = 0;
      precharged[n] = 0;
      written[n] = 0;
    end
  end

  always @(posedge clock) begin
    reading <= 0;
    if (cke && !cs_n) case ({ras_n, cas_n, we_n})
      3'b011: begin  // activate
        if (!known) broken("a row before a mode");
        if (open[ba]) broken("activated twice");
        if ($time < precharged[ba] + TRP) broken("activated before precharged");
        if ($time < refreshed + TRFC) broken("activated while refreshing");
        if (used && $time > refreshed + REFRESH) broken("not refreshed");
        open[ba] <= 1;
        row[ba] <= a;
        activated[ba] <= $time;
      end
      3'b101, 3'b100: begin  // read, write
        if (!open[ba]) broken("no open row");
        if ($time < activated[ba] + TRCD) broken("a column before its row");
        if (we_n) begin
          reading <= 1;
          data <= words[at];
        end else begin
          if (!dm[0]) words[at][7:0] <= dq[7:0];
          if (!dm[1]) words[at][15:8] <= dq[15:8];
          written[ba] <= $time;
        end
        if (a[10]) begin  // it closes the row by itself, as soon as it may
          open[ba] <= 0;
          precharged[ba] <= $time + (we_n ? 0 : TWR) > activated[ba] + TRAS
                            ? $time + (we_n ? 0 : TWR) : activated[ba] + TRAS;
        end
      end
      3'b010: for (n = 0; n < 4; n = n + 1) if (a[10] || n == ba) close(n[1:0]);
      3'b001: begin  // refresh
        if (open != 0) broken("refreshed with open rows");
        for (n = 0; n < 4; n = n + 1)
          if ($time < precharged[n] + TRP) broken("refreshed before precharged");
        used <= known && activated[0] + activated[1] + activated[2] + activated[3] != 0;
        refreshed <= $time;
      end
      3'b000: begin  // mode
        if (open != 0) broken("a mode with open rows");
        if (a[2:0] != 0) broken("bursts longer than one");
        if (a[6:4] != 2 && a[6:4] != 3) broken("no such latency");
        latency <= a[6:4];
        known <= 1;
      end
      default: ;
    endcase
  end

  // Read data: an edge after the command with latency 2, two with latency 3.
  reg earlier;
  reg [15:0] later;
  initial earlier = 0;
  always @(posedge clock) begin
    earlier <= reading;
    later <= data;
    arriving = latency == 2 ? reading : earlier;
    coming = latency == 2 ? data : later;
    #TOH driven = 0;
    #(TAC - TOH) out = coming;
    driven = arriving;
  end
endmodule

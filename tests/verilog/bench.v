// The written machine between a memory and a host, in plain Verilog 2005.
//
// The rules, cycle by cycle, are those of accel/sim/memory.py and accel/sim/host.py (without stalls
// and failures), so that the machine's counters are those of the project's own simulators.
//
// Macro BUS_BYTES: the machine's bus.  Plusargs: memory=FILE, read with $readmemh, a word of
// BUS_BYTES a line, `words` of them; result=FILE, written with $writememh; start, commands,
// timeout, budget, cycles (at most), all in decimal.  It prints a register a line and at last "done".

`timescale 1ns / 1ps

module axi_memory #(
  parameter BUS = 4,       // bytes
  parameter DEPTH = 1024,  // words
  parameter LATENCY = 32
) (
  input clk,
  input run,               // low: a reset, in which nothing happens
  input [31:0] araddr, input [7:0] arlen, input arvalid, output reg arready,
  output reg [8*BUS-1:0] rdata, output reg [1:0] rresp, output reg rlast, output reg rvalid,
  input rready,
  input [31:0] awaddr, input [7:0] awlen, input awvalid, output reg awready,
  input [8*BUS-1:0] wdata, input [BUS-1:0] wstrb, input wlast, input wvalid, output reg wready,
  output reg [1:0] bresp, output reg bvalid, input bready
);
  localparam BURSTS = 32;  // each direction's queue
  localparam BEATS = 16;   // of a burst, at most

  reg [8*BUS-1:0] words [0:DEPTH-1];

  // Reads, oldest first: bursts taken and bursts answered.
  reg [8*BUS-1:0] read_data [0:BURSTS*BEATS-1];
  integer read_length [0:BURSTS-1];
  integer read_due [0:BURSTS-1];
  integer taken, answered, read_beat;
  // Writes: addresses taken, bursts with all data, bursts responded to.
  reg [8*BUS-1:0] write_data [0:BURSTS*BEATS-1];
  reg [BUS-1:0] write_strobe [0:BURSTS*BEATS-1];
  integer write_word [0:BURSTS-1];
  integer write_length [0:BURSTS-1];
  integer write_due [0:BURSTS-1];
  integer opened, filled, responded, write_beat;

  integer cycle, credit, beat, lane, slot, word;

  initial begin
    cycle = 0;
    credit = BUS;
    taken = 0; answered = 0; read_beat = 0;
    opened = 0; filled = 0; responded = 0; write_beat = 0;
    arready = 0; rdata = 0; rresp = 0; rlast = 0; rvalid = 0;
    awready = 0; wready = 0; bresp = 0; bvalid = 0;
  end

  always @(posedge clk) if (run) begin
    // The cycle that ends: what was taken.
    if (rvalid && rready) begin
      credit = credit - BUS;
      if (rlast) begin
        answered = answered + 1;
        read_beat = 0;
      end
    end
    if (wvalid && wready) begin
      credit = credit - BUS;
      slot = filled % BURSTS;
      write_data[slot * BEATS + write_beat] = wdata;
      write_strobe[slot * BEATS + write_beat] = wstrb;
      write_beat = write_beat + 1;
      if (wlast != (write_beat == write_length[slot])) $display("error: WLAST");
      if (wlast) begin
        write_due[slot] = cycle + LATENCY;
        filled = filled + 1;
        write_beat = 0;
      end
    end
    if (bvalid && bready) responded = responded + 1;
    if (arvalid && arready) begin
      slot = taken % BURSTS;
      if (araddr % BUS != 0 || araddr / BUS + arlen >= DEPTH || arlen >= BEATS)
        $display("error: AR %h %d", araddr, arlen);
      for (beat = 0; beat <= arlen; beat = beat + 1)
        read_data[slot * BEATS + beat] = words[araddr / BUS + beat];
      read_length[slot] = arlen + 1;
      read_due[slot] = cycle + LATENCY;
      taken = taken + 1;
    end
    if (awvalid && awready) begin
      slot = opened % BURSTS;
      if (awaddr % BUS != 0 || awaddr / BUS + awlen >= DEPTH || awlen >= BEATS)
        $display("error: AW %h %d", awaddr, awlen);
      write_word[slot] = awaddr / BUS;
      write_length[slot] = awlen + 1;
      opened = opened + 1;
    end

    // The cycle that begins: what is driven.
    cycle = cycle + 1;
    credit = credit + BUS > BUS ? BUS : credit + BUS;
    arready <= taken - answered < BURSTS;
    slot = answered % BURSTS;
    if (!rvalid || rready) begin
      rvalid <= 0;
      if (credit >= BUS && taken != answered && cycle >= read_due[slot]) begin
        rvalid <= 1;
        rdata <= read_data[slot * BEATS + read_beat];
        read_beat = read_beat + 1;
        rlast <= read_beat == read_length[slot];
      end
    end
    awready <= opened - responded < BURSTS;
    wready <= credit >= BUS && opened != filled;
    slot = responded % BURSTS;
    if (!bvalid || bready) begin
      bvalid <= 0;
      if (filled != responded && cycle >= write_due[slot]) begin
        bvalid <= 1;
        for (beat = 0; beat < write_length[slot]; beat = beat + 1) begin
          word = write_word[slot] + beat;
          for (lane = 0; lane < BUS; lane = lane + 1)
            if (write_strobe[slot * BEATS + beat][lane])
              words[word][8*lane +: 8] = write_data[slot * BEATS + beat][8*lane +: 8];
        end
      end
    end
  end
endmodule

module bench(input clk);
  localparam BUS = `BUS_BYTES;
  localparam DEPTH = 1 << 16;
  localparam WRITES = 5;
  localparam READS = 18;

  // The machine, its memory.
  reg rst, run;
  wire irq;
  wire [31:0] araddr, awaddr;
  wire [7:0] arlen, awlen;
  wire [8*BUS-1:0] rdata, wdata;
  wire [BUS-1:0] wstrb;
  wire [1:0] rresp, bresp;
  wire arvalid, arready, rvalid, rready, rlast, awvalid, awready, wvalid, wready, wlast;
  wire bvalid, bready;
  reg [7:0] address;
  reg [31:0] data;
  reg host_awvalid, host_wvalid, host_arvalid;
  wire host_awready, host_wready, host_arready, host_bvalid, host_rvalid;
  wire [1:0] host_bresp, host_rresp;
  wire [31:0] host_rdata;

  accelerator machine(
    .clk(clk), .rst(rst), .irq(irq),
    .m_axi_araddr(araddr), .m_axi_arlen(arlen), .m_axi_arsize(), .m_axi_arburst(),
    .m_axi_arvalid(arvalid), .m_axi_arready(arready),
    .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast),
    .m_axi_rvalid(rvalid), .m_axi_rready(rready),
    .m_axi_awaddr(awaddr), .m_axi_awlen(awlen), .m_axi_awsize(), .m_axi_awburst(),
    .m_axi_awvalid(awvalid), .m_axi_awready(awready),
    .m_axi_wdata(wdata), .m_axi_wstrb(wstrb), .m_axi_wlast(wlast),
    .m_axi_wvalid(wvalid), .m_axi_wready(wready),
    .m_axi_bresp(bresp), .m_axi_bvalid(bvalid), .m_axi_bready(bready),
    .s_axil_awaddr(address), .s_axil_awvalid(host_awvalid), .s_axil_awready(host_awready),
    .s_axil_wdata(data), .s_axil_wstrb(4'hf), .s_axil_wvalid(host_wvalid),
    .s_axil_wready(host_wready),
    .s_axil_bresp(host_bresp), .s_axil_bvalid(host_bvalid), .s_axil_bready(1'b1),
    .s_axil_araddr(address), .s_axil_arvalid(host_arvalid), .s_axil_arready(host_arready),
    .s_axil_rdata(host_rdata), .s_axil_rresp(host_rresp), .s_axil_rvalid(host_rvalid),
    .s_axil_rready(1'b1)
  );

  axi_memory #(.BUS(BUS), .DEPTH(DEPTH)) memory(
    .clk(clk), .run(run),
    .araddr(araddr), .arlen(arlen), .arvalid(arvalid), .arready(arready),
    .rdata(rdata), .rresp(rresp), .rlast(rlast), .rvalid(rvalid), .rready(rready),
    .awaddr(awaddr), .awlen(awlen), .awvalid(awvalid), .awready(awready),
    .wdata(wdata), .wstrb(wstrb), .wlast(wlast), .wvalid(wvalid), .wready(wready),
    .bresp(bresp), .bvalid(bvalid), .bready(bready)
  );

  // The host: five writes, the interrupt, READS reads.
  reg [8*512-1:0] file;
  reg [31:0] start, commands, timeout, budget, cycles;
  integer step, cycle, resets, words;

  task next;
    begin
      host_awvalid <= step < WRITES;
      host_wvalid <= step < WRITES;
      host_arvalid <= step > WRITES && step <= WRITES + READS;
      case (step)
        0: begin address <= 8'h10; data <= start; end
        1: begin address <= 8'h14; data <= commands; end
        2: begin address <= 8'h18; data <= timeout; end
        3: begin address <= 8'h2c; data <= budget; end
        4: begin address <= 8'h08; data <= 1; end
        6: address <= 8'h0c;
        7: address <= 8'h1c;
        default: address <= 8'h40 + 4 * (step - WRITES - 3);
      endcase
    end
  endtask

  initial begin
    rst = 1; run = 0; resets = 3; step = -1; cycle = 0;
    host_awvalid = 0; host_wvalid = 0; host_arvalid = 0; address = 0; data = 0;
    if (!$value$plusargs("start=%d", start)) start = 0;
    if (!$value$plusargs("commands=%d", commands)) commands = 0;
    if (!$value$plusargs("timeout=%d", timeout)) timeout = 1000;
    if (!$value$plusargs("budget=%d", budget)) budget = 0;
    if (!$value$plusargs("cycles=%d", cycles)) cycles = 1000;
    if (!$value$plusargs("words=%d", words)) words = DEPTH;
    if ($value$plusargs("memory=%s", file)) $readmemh(file, memory.words, 0, words - 1);
  end

  always @(posedge clk) begin
    if (resets != 0) begin
      resets = resets - 1;
    end else if (!run) begin
      rst <= 0;
      run <= 1;
      step = 0;
      next;
    end else begin
      cycle = cycle + 1;
      if (host_awready === 1'b1) host_awvalid <= 0;
      if (host_wready === 1'b1) host_wvalid <= 0;
      if (host_arready === 1'b1) host_arvalid <= 0;
      if (step == WRITES ? irq === 1'b1 : host_bvalid === 1'b1 || host_rvalid === 1'b1) begin
        if (step > WRITES) $display("%h %h", address, host_rdata);
        step = step + 1;
        next;
      end
      if (step == WRITES + 1 + READS) begin
        if ($value$plusargs("result=%s", file)) $writememh(file, memory.words, 0, words - 1);
        $display("done");
        $finish;
      end else if (cycle == cycles) begin
        $display("no end within %0d cycles, in step %0d", cycles, step);
        $finish;
      end
    end
  end
endmodule

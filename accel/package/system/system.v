// A system that lives: a RISC-V processor (picorv32), the accelerator, one memory, a serial line.
//
//   0x4000_0000  memory, of both: firmware, stack, and the accelerator's part wherever the linker
//                puts it
//   0x8000_0000  the accelerator's registers
//   0x9000_0000  serial line: a byte that is written goes out
//   0x9000_0004  the end: the firmware's exit code
//
// To be copied and changed; nothing here depends on the network.

module system #(
  parameter BUS_BYTES = 8,           // the accelerator's
  parameter MEMORY_BYTES = 262144,
  parameter FIRMWARE = "firmware.hex"
) (
  input clk,
  input resetn,
  output uart_valid,
  output [7:0] uart_data,
  output reg exit_valid,
  output reg [7:0] exit_code,
  output trap
);
  // The processor's side: one access at a time, until ready.
  wire valid, instruction;
  wire [31:0] address, wdata;
  wire [3:0] wstrb;
  wire in_memory = address[31:28] == 4'h4;
  wire in_registers = address[31:28] == 4'h8;
  wire in_line = address[31:28] == 4'h9;
  wire write = |wstrb;
  reg memory_ready;
  wire [31:0] memory_rdata, register_rdata;
  wire register_ready;
  wire ready = in_memory ? memory_ready : in_registers ? register_ready : valid;
  wire interrupt;

  picorv32 #(
    .PROGADDR_RESET(32'h4000_0000),
    .ENABLE_FAST_MUL(1), .ENABLE_DIV(1), .BARREL_SHIFTER(1), .COMPRESSED_ISA(0)
  ) processor (
    .clk(clk), .resetn(resetn), .trap(trap),
    .mem_valid(valid), .mem_instr(instruction), .mem_ready(ready), .mem_addr(address),
    .mem_wdata(wdata), .mem_wstrb(wstrb),
    .mem_rdata(in_memory ? memory_rdata : in_registers ? register_rdata : 32'd0),
    .irq({28'd0, interrupt, 3'd0}), .pcpi_wr(1'b0), .pcpi_rd(32'd0), .pcpi_wait(1'b0),
    .pcpi_ready(1'b0)
  );

  assign uart_valid = valid && in_line && write && !address[2];
  assign uart_data = wdata[7:0];
  always @(posedge clk) begin
    exit_valid <= resetn && valid && in_line && write && address[2];
    exit_code <= wdata[7:0];
  end

  // The registers: AXI4-Lite.
  reg awvalid, wvalid, arvalid, answered;
  wire awready, wready, bvalid, arready, rvalid;
  wire asking = valid && in_registers && !answered;
  reg asked;
  assign register_ready = bvalid || rvalid;
  always @(posedge clk) begin
    asked <= resetn && asking && !register_ready;
    answered <= register_ready;
    if (awready) awvalid <= 0;
    if (wready) wvalid <= 0;
    if (arready) arvalid <= 0;
    if (asking && !asked && !register_ready) begin
      awvalid <= write;
      wvalid <= write;
      arvalid <= !write;
    end
    if (!resetn) begin
      awvalid <= 0;
      wvalid <= 0;
      arvalid <= 0;
    end
  end

  // The memory's bus: AXI4.
  wire [31:0] m_araddr, m_awaddr;
  wire [7:0] m_arlen, m_awlen;
  wire m_arvalid, m_arready, m_rvalid, m_rready, m_rlast;
  wire m_awvalid, m_awready, m_wvalid, m_wready, m_wlast, m_bvalid, m_bready;
  wire [8*BUS_BYTES-1:0] m_rdata, m_wdata;
  wire [BUS_BYTES-1:0] m_wstrb;

  accelerator_axi accelerator (
    .aclk(clk), .aresetn(resetn), .irq(interrupt),
    .s_axi_awaddr(address[7:0]), .s_axi_awprot(3'd0), .s_axi_awvalid(awvalid),
    .s_axi_awready(awready), .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wvalid(wvalid),
    .s_axi_wready(wready), .s_axi_bresp(), .s_axi_bvalid(bvalid), .s_axi_bready(1'b1),
    .s_axi_araddr(address[7:0]), .s_axi_arprot(3'd0), .s_axi_arvalid(arvalid),
    .s_axi_arready(arready), .s_axi_rdata(register_rdata), .s_axi_rresp(), .s_axi_rvalid(rvalid),
    .s_axi_rready(1'b1),
    .m_axi_arid(), .m_axi_araddr(m_araddr), .m_axi_arlen(m_arlen), .m_axi_arsize(),
    .m_axi_arburst(), .m_axi_arlock(), .m_axi_arcache(), .m_axi_arprot(), .m_axi_arqos(),
    .m_axi_arvalid(m_arvalid), .m_axi_arready(m_arready), .m_axi_rid(1'b0), .m_axi_rdata(m_rdata),
    .m_axi_rresp(2'b00), .m_axi_rlast(m_rlast), .m_axi_rvalid(m_rvalid), .m_axi_rready(m_rready),
    .m_axi_awid(), .m_axi_awaddr(m_awaddr), .m_axi_awlen(m_awlen), .m_axi_awsize(),
    .m_axi_awburst(), .m_axi_awlock(), .m_axi_awcache(), .m_axi_awprot(), .m_axi_awqos(),
    .m_axi_awvalid(m_awvalid), .m_axi_awready(m_awready), .m_axi_wdata(m_wdata),
    .m_axi_wstrb(m_wstrb), .m_axi_wlast(m_wlast), .m_axi_wvalid(m_wvalid), .m_axi_wready(m_wready),
    .m_axi_bid(1'b0), .m_axi_bresp(2'b00), .m_axi_bvalid(m_bvalid), .m_axi_bready(m_bready)
  );

  always @(posedge clk) memory_ready <= resetn && valid && in_memory && !memory_ready;

  shared_memory #(
    .BUS_BYTES(BUS_BYTES), .MEMORY_BYTES(MEMORY_BYTES), .FIRMWARE(FIRMWARE)
  ) memory (
    .clk(clk), .resetn(resetn),
    .enable(valid && in_memory && !memory_ready), .address(address), .wdata(wdata), .wstrb(wstrb),
    .rdata(memory_rdata),
    .araddr(m_araddr), .arlen(m_arlen), .arvalid(m_arvalid), .arready(m_arready), .m_rdata(m_rdata),
    .rlast(m_rlast), .rvalid(m_rvalid), .rready(m_rready),
    .awaddr(m_awaddr), .awlen(m_awlen), .awvalid(m_awvalid), .awready(m_awready), .m_wdata(m_wdata),
    .m_wstrb(m_wstrb), .wlast(m_wlast), .wvalid(m_wvalid), .wready(m_wready), .bvalid(m_bvalid),
    .bready(m_bready)
  );
endmodule

// Block RAM with two ports: the processor's, of words, and an AXI4 slave, a beat a cycle.
// Addresses wrap at its size.
module shared_memory #(
  parameter BUS_BYTES = 8,
  parameter MEMORY_BYTES = 262144,
  parameter FIRMWARE = ""
) (
  input clk,
  input resetn,
  input enable,
  input [31:0] address,
  input [31:0] wdata,
  input [3:0] wstrb,
  output [31:0] rdata,
  input [31:0] araddr, input [7:0] arlen, input arvalid, output arready,
  output reg [8*BUS_BYTES-1:0] m_rdata, output reg rlast, output reg rvalid, input rready,
  input [31:0] awaddr, input [7:0] awlen, input awvalid, output awready,
  input [8*BUS_BYTES-1:0] m_wdata, input [BUS_BYTES-1:0] m_wstrb, input wlast, input wvalid,
  output wready, output reg bvalid, input bready
);
  localparam SHIFT = $clog2(BUS_BYTES);
  localparam WORDS = MEMORY_BYTES / BUS_BYTES;
  localparam BITS = $clog2(WORDS);
  localparam LANES = BUS_BYTES / 4;

  // What a port reads of a word that the other one writes in that very cycle does not matter: nobody
  // reads what may still be written.  Without saying so, no ECP5 block RAM is like this.
  (* no_rw_check *) reg [8*BUS_BYTES-1:0] words [0:WORDS-1];
  initial if (FIRMWARE != "") $readmemh(FIRMWARE, words);

  // The processor's port.
  wire [BITS-1:0] at = address[SHIFT +: BITS];
  wire [BUS_BYTES-1:0] lanes = {{(BUS_BYTES-4){1'b0}}, wstrb} << (address[SHIFT-1:0] & ~32'd3);
  reg [8*BUS_BYTES-1:0] word;
  reg [31:0] low;
  integer lane;
  always @(posedge clk) if (enable) begin
    low <= address & (BUS_BYTES - 1) & ~32'd3;
    if (wstrb == 0) word <= words[at];
    else for (lane = 0; lane < BUS_BYTES; lane = lane + 1)
      if (lanes[lane]) words[at][8*lane +: 8] <= wdata[8*(lane % 4) +: 8];
  end
  assign rdata = word[8*low +: 32];

  // The accelerator's: a burst of reads and one of writes; reads go first.
  reg reading, writing;
  reg [BITS-1:0] read_at, write_at;
  reg [7:0] left;
  wire read = reading && (!rvalid || rready);
  wire [BITS-1:0] m_at = read ? read_at : write_at;
  wire [BUS_BYTES-1:0] m_lanes = wvalid && wready ? m_wstrb : {BUS_BYTES{1'b0}};
  integer m_lane;
  always @(posedge clk) begin
    if (read) m_rdata <= words[m_at];
    else for (m_lane = 0; m_lane < BUS_BYTES; m_lane = m_lane + 1)
      if (m_lanes[m_lane]) words[m_at][8*m_lane +: 8] <= m_wdata[8*m_lane +: 8];
  end

  assign arready = !reading;
  assign awready = !writing && !bvalid;
  assign wready = writing && !read;
  always @(posedge clk) begin
    if (arvalid && arready) begin
      reading <= 1;
      read_at <= araddr[SHIFT +: BITS];
      left <= arlen;
    end
    if (rready) rvalid <= 0;
    if (read) begin
      read_at <= read_at + 1;
      rvalid <= 1;
      rlast <= left == 0;
      left <= left - 1;
      if (left == 0) reading <= 0;
    end
    if (awvalid && awready) begin
      writing <= 1;
      write_at <= awaddr[SHIFT +: BITS];
    end
    if (bready) bvalid <= 0;
    if (wvalid && wready) begin
      write_at <= write_at + 1;
      if (wlast) begin
        writing <= 0;
        bvalid <= 1;
      end
    end
    if (!resetn) begin
      reading <= 0;
      writing <= 0;
      rvalid <= 0;
      bvalid <= 0;
    end
  end
endmodule

// A machine that Yosys' write_cxxrtl has written, with the face of the one that Verilator makes for
// accel/sim/harness.cpp: so the memory and host of the project's own simulator run it, too.
//
// That one has a register in front of each input: what an input is at a rising edge of the clock, it
// is in the cycle that begins with it.  So here inputs are handed over behind the edge.
#pragma once

#include <cstdint>
#include <cstring>

#include "accelerator.cc"
#include "verilated.h"

class Vaccelerator {
  public:
    uint8_t clk = 0, rst = 0, irq = 0;
    uint8_t m_axi_arvalid = 0, m_axi_arready = 0, m_axi_arlen = 0, m_axi_arsize = 0;
    uint8_t m_axi_arburst = 0, m_axi_rvalid = 0, m_axi_rready = 0, m_axi_rresp = 0;
    uint8_t m_axi_rlast = 0, m_axi_awvalid = 0, m_axi_awready = 0, m_axi_awlen = 0;
    uint8_t m_axi_awsize = 0, m_axi_awburst = 0, m_axi_wvalid = 0, m_axi_wready = 0;
    uint8_t m_axi_wlast = 0, m_axi_bvalid = 0, m_axi_bready = 0, m_axi_bresp = 0;
    uint32_t m_axi_araddr = 0, m_axi_awaddr = 0;
    uint8_t m_axi_rdata[BUS_BYTES] = {}, m_axi_wdata[BUS_BYTES] = {};
    uint8_t m_axi_wstrb[(BUS_BYTES + 7) / 8] = {};
    uint8_t s_axil_awvalid = 0, s_axil_awready = 0, s_axil_awaddr = 0, s_axil_wvalid = 0;
    uint8_t s_axil_wready = 0, s_axil_wstrb = 0, s_axil_bvalid = 0, s_axil_bready = 0;
    uint8_t s_axil_bresp = 0, s_axil_arvalid = 0, s_axil_arready = 0, s_axil_araddr = 0;
    uint8_t s_axil_rvalid = 0, s_axil_rready = 0, s_axil_rresp = 0;
    uint32_t s_axil_wdata = 0, s_axil_rdata = 0;

    explicit Vaccelerator(VerilatedContext*) {}
    void final() {}

    void eval() {
        machine_.p_clk.set<uint8_t>(clk);
        machine_.step();
        if (!clk) return;
        put(machine_.p_rst, rst);
        put(machine_.p_m__axi__arready, m_axi_arready);
        put(machine_.p_m__axi__rvalid, m_axi_rvalid);
        put(machine_.p_m__axi__rdata, m_axi_rdata);
        put(machine_.p_m__axi__rresp, m_axi_rresp);
        put(machine_.p_m__axi__rlast, m_axi_rlast);
        put(machine_.p_m__axi__awready, m_axi_awready);
        put(machine_.p_m__axi__wready, m_axi_wready);
        put(machine_.p_m__axi__bvalid, m_axi_bvalid);
        put(machine_.p_m__axi__bresp, m_axi_bresp);
        put(machine_.p_s__axil__awvalid, s_axil_awvalid);
        put(machine_.p_s__axil__awaddr, s_axil_awaddr);
        put(machine_.p_s__axil__wvalid, s_axil_wvalid);
        put(machine_.p_s__axil__wdata, s_axil_wdata);
        put(machine_.p_s__axil__wstrb, s_axil_wstrb);
        put(machine_.p_s__axil__bready, s_axil_bready);
        put(machine_.p_s__axil__arvalid, s_axil_arvalid);
        put(machine_.p_s__axil__araddr, s_axil_araddr);
        put(machine_.p_s__axil__rready, s_axil_rready);
        machine_.step();
        get(machine_.p_irq, irq);
        get(machine_.p_m__axi__arvalid, m_axi_arvalid);
        get(machine_.p_m__axi__araddr, m_axi_araddr);
        get(machine_.p_m__axi__arlen, m_axi_arlen);
        get(machine_.p_m__axi__arsize, m_axi_arsize);
        get(machine_.p_m__axi__arburst, m_axi_arburst);
        get(machine_.p_m__axi__rready, m_axi_rready);
        get(machine_.p_m__axi__awvalid, m_axi_awvalid);
        get(machine_.p_m__axi__awaddr, m_axi_awaddr);
        get(machine_.p_m__axi__awlen, m_axi_awlen);
        get(machine_.p_m__axi__awsize, m_axi_awsize);
        get(machine_.p_m__axi__awburst, m_axi_awburst);
        get(machine_.p_m__axi__wvalid, m_axi_wvalid);
        get(machine_.p_m__axi__wdata, m_axi_wdata);
        get(machine_.p_m__axi__wstrb, m_axi_wstrb);
        get(machine_.p_m__axi__wlast, m_axi_wlast);
        get(machine_.p_m__axi__bready, m_axi_bready);
        get(machine_.p_s__axil__awready, s_axil_awready);
        get(machine_.p_s__axil__wready, s_axil_wready);
        get(machine_.p_s__axil__bvalid, s_axil_bvalid);
        get(machine_.p_s__axil__bresp, s_axil_bresp);
        get(machine_.p_s__axil__arready, s_axil_arready);
        get(machine_.p_s__axil__rvalid, s_axil_rvalid);
        get(machine_.p_s__axil__rdata, s_axil_rdata);
        get(machine_.p_s__axil__rresp, s_axil_rresp);
    }

  private:
    // Both sides are little-endian, so the first bytes are the ones meant.
    template <size_t Bits, typename Port>
    static void put(cxxrtl::value<Bits>& there, const Port& here) {
        cxxrtl::value<Bits> bits;
        std::memcpy(bits.data, &here, std::min(sizeof here, sizeof bits.data));
        there = bits;
    }
    template <size_t Bits, typename Port>
    static void get(const cxxrtl::value<Bits>& there, Port& here) {
        std::memcpy(&here, there.data, std::min(sizeof here, sizeof there.data));
    }
    template <size_t Bits, typename Port>
    static void get(const cxxrtl::wire<Bits>& there, Port& here) {
        get(there.curr, here);
    }

    cxxrtl_design::p_accelerator machine_;
};

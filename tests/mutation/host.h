// A host that does on the register port what any may do; behind harness.cpp, of the same machine.

#include "digest.h"

// An access of a host's: `gap` cycles behind the one before, but, if asked for, not before there is
// an interrupt.  Address and data come so many cycles later, the response is taken `wait` cycles
// later at the soonest.
extern "C" struct Access {
    uint32_t gap, interrupt, address, data, strobe, late_address, late_data, wait;
};

namespace {

// Bits of channels on which nothing is valid.
uint32_t any;

// What the last host read.
std::vector<uint32_t> heard;

// One access behind another.
class Accesses {
  public:
    Accesses(const Access* first, uint32_t count) : next_(first), end_(first + count) {}
    const Access& now() const { return *next_; }
    bool address() const { return busy_ && address_ && clock_ >= next_->late_address; }
    bool data() const { return busy_ && data_ && clock_ >= next_->late_data; }
    bool ready() const { return !busy_ || clock_ >= next_->wait; }
    void begin(bool irq) {
        ++clock_;
        if (busy_ || next_ == end_ || clock_ < next_->gap || (next_->interrupt && !irq)) return;
        busy_ = address_ = data_ = true;
        clock_ = 0;
    }
    void end(bool address, bool data, bool response) {
        if (address) address_ = false;
        if (data) data_ = false;
        if (!busy_ || !response) return;
        busy_ = false;
        clock_ = 0;
        ++next_;
    }
    void reset() { busy_ = false; }
    bool over() const { return next_ == end_; }

  private:
    const Access *next_, *end_;
    bool busy_ = false, address_ = false, data_ = false;
    uint32_t clock_ = 0;
};

// What is not valid is any value, another one in every cycle.
void drive(Vaccelerator& top, const Accesses& writes, const Accesses& reads) {
    top.s_axil_awvalid = writes.address();
    top.s_axil_wvalid = writes.data();
    top.s_axil_bready = writes.ready();
    any = any * 1664525 + 1013904223;
    top.s_axil_awaddr = writes.address() ? writes.now().address : any >> 24;
    top.s_axil_wdata = writes.data() ? writes.now().data : any;
    top.s_axil_wstrb = writes.data() ? writes.now().strobe : any >> 28;
    top.s_axil_arvalid = reads.address();
    top.s_axil_rready = reads.ready();
    top.s_axil_araddr = reads.address() ? reads.now().address : any >> 16 & 255;
}

uint64_t outputs(const Vaccelerator& top) {
    uint64_t seen = 0;
    for (bool bit : {bool(top.irq), bool(top.s_axil_awready), bool(top.s_axil_wready),
                     bool(top.s_axil_bvalid), bool(top.s_axil_arready), bool(top.s_axil_rvalid)}) {
        seen = seen << 1 | bit;
    }
    if (top.s_axil_bvalid) seen = seen << 2 | top.s_axil_bresp;
    if (top.s_axil_rvalid) seen = seen << 34 | uint64_t{top.s_axil_rresp} << 32 | top.s_axil_rdata;
    return seen;
}

}  // namespace

// Run `cycles` cycles with these accesses, and resets of three cycles at these times; returns a
// digest of the register port's outputs in every cycle.
EXPORTED uint64_t accel_host(
    const Config* config, const Access* writes, uint32_t write_count, const Access* reads,
    uint32_t read_count, const uint64_t* resets, uint32_t reset_count, uint64_t cycles,
    Result* result
) {
    VerilatedContext context;
    Vaccelerator top{&context};
    Digest seen;
    Failure failure(*result);
    heard.clear();
    any = 1;
    std::unique_ptr<MemoryModel> memory;
    Accesses writing(writes, write_count), reading(reads, read_count);
    auto cycle = [&] {
        top.clk = 1;
        top.eval();
        top.clk = 0;
        top.eval();
    };
    top.eval();
    for (uint64_t now = 0; now < cycles && !failure.any(); ++now) {
        if (writing.over() && reading.over()) break;
        if (!now || (reset_count && *resets == now)) {
            if (now) ++resets, --reset_count;
            top.rst = 1;
            for (int number = 0; number < RESET_CYCLES; ++number) cycle();
            top.rst = 0;
            memory.reset(new MemoryModel(*config, result->traffic, failure));
            writing.reset();
            reading.reset();
        }
        memory->begin(top);
        writing.begin(top.irq);
        reading.begin(top.irq);
        drive(top, writing, reading);
        cycle();
        memory->end(top);
        seen.add(outputs(top));
        if (top.s_axil_rvalid && top.s_axil_rready) heard.push_back(top.s_axil_rdata);
        writing.end(top.s_axil_awvalid && top.s_axil_awready, top.s_axil_wvalid && top.s_axil_wready,
                    top.s_axil_bvalid && top.s_axil_bready);
        reading.end(top.s_axil_arvalid && top.s_axil_arready, false,
                    top.s_axil_rvalid && top.s_axil_rready);
        ++result->cycles;
    }
    top.final();
    return seen.value;
}

// The first of what the last host read; returns how much there is.
EXPORTED uint64_t accel_heard(uint32_t* words, uint64_t count) {
    std::copy_n(heard.begin(), std::min<uint64_t>(count, heard.size()), words);
    return heard.size();
}

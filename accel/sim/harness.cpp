// The verilated machine between its memory and its host, all in C++.
//
// The rules, cycle by cycle, are those of accel/sim/memory.py and accel/sim/host.py (of a DRAM's
// times: accel/sim/dram.py, in dram.h); the classes here mirror the ones there, message for message.  Python makes a `Run`, advances it in slices of
// many cycles (so that Ctrl-C and progress work) and reads its result.
//
// BUS_BYTES is defined by the build.  The host computer is assumed to be little-endian.

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "Vaccelerator.h"
#include "dram.h"
#include "verilated.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Trace = VerilatedFstC;
#elif VM_TRACE
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#endif

// What Python calls; all else is hidden in the library.
#define EXPORTED extern "C" __attribute__((visibility("default")))

namespace {

constexpr uint64_t BUS = BUS_BYTES;
constexpr uint64_t STROBES = (BUS + 7) / 8;
constexpr uint64_t PAGE = 4096;
constexpr uint64_t ANSWER = 1000;
constexpr int RESET_CYCLES = 3;
enum { OKAY = 0, SLVERR = 2, DECERR = 3, INCR = 1 };

}  // namespace

// Mirrored by ctypes structures in accel/sim/verilator.py.
extern "C" struct Config {
    uint8_t* memory;
    uint64_t memory_bytes;
    uint64_t latency_cycles, write_latency_cycles, bytes_per_cycle;
    uint64_t outstanding = 32;    // bursts each direction holds at once
    uint32_t stall_seed, stall_percent;
    int64_t fail_read, fail_write;
    uint32_t dead;
    uint32_t writes, reads;       // lengths of the host's script
    uint32_t write_address[8], write_data[8];
    uint32_t read_address[32];
    uint64_t max_cycles;
    DramNumbers dram;
};

extern "C" struct Result {
    uint64_t cycles;
    uint32_t finished;
    uint32_t values[32];          // read from read_address
    Traffic traffic;
    char error[160];              // empty if all is well
};

namespace {

// What went wrong: the first message wins.
class Failure {
  public:
    explicit Failure(Result& result) : result_(result) {}
    bool any() const { return result_.error[0] != 0; }
    __attribute__((format(printf, 2, 3))) void set(const char* format, ...) {
        if (any()) return;
        va_list args;
        va_start(args, format);
        vsnprintf(result_.error, sizeof result_.error, format, args);
        va_end(args);
    }

  private:
    Result& result_;
};

struct Address {
    uint32_t address, length, size, burst;
    bool operator==(const Address& other) const {
        return address == other.address && length == other.length && size == other.size
            && burst == other.burst;
    }
};

struct Data {
    uint8_t bytes[BUS];
    uint8_t strobe[STROBES];
    int last;
    bool operator==(const Data& other) const {
        return last == other.last && !memcmp(bytes, other.bytes, BUS)
            && !memcmp(strobe, other.strobe, STROBES);
    }
};

// A payload that must not change between valid and ready.
template <typename Payload>
class Held {
  public:
    explicit Held(const char* channel) : channel_(channel) {}
    void check(bool valid, bool ready, const Payload& payload, uint64_t cycle, Failure& failure) {
        if (waiting_ && !(valid && payload == payload_)) {
            failure.set("AXI4 violation in cycle %llu: %s changed before it was taken",
                        static_cast<unsigned long long>(cycle), channel_);
        }
        waiting_ = valid && !ready;
        if (waiting_) payload_ = payload;
    }

  private:
    const char* channel_;
    bool waiting_ = false;
    Payload payload_{};
};

class MemoryModel {
  public:
    MemoryModel(const Config& config, Traffic& traffic, Failure& failure)
        : config_(config), failure_(failure), traffic_(traffic) {
        restart();
    }

    // Take over what the configuration says now; what is under way goes on.
    void restart() {
        random_ = config_.stall_seed;
        rate_ = config_.bytes_per_cycle ? config_.bytes_per_cycle : BUS;
        for (Read& read : reads_) read.moves = false;  // its data are there by now
        dram_.reset(new Dram(config_.dram, traffic_));
    }

    void begin(Vaccelerator& top) {
        ++cycle_;
        credit_ = std::min<int64_t>(credit_ + rate_, BUS);
        bool stall[5] = {};
        if (config_.stall_seed) {
            for (bool& channel : stall) channel = draw() % 100 < config_.stall_percent;
        }
        const bool credit = credit_ >= static_cast<int64_t>(BUS);
        top.m_axi_arready = arready_ = !stall[0] && reads_.size() < config_.outstanding;
        if (!rvalid_ && !stall[1] && credit && !config_.dead && !reads_.empty()
            && cycle_ >= due(reads_.front())) {
            raise_read(top);
        }
        top.m_axi_rvalid = rvalid_;
        top.m_axi_awready = awready_ =
            !stall[2] && open_.size() + done_.size() < config_.outstanding;
        top.m_axi_wready = wready_ = !stall[3] && credit && !open_.empty();
        if (!bvalid_ && !stall[4] && !config_.dead && !done_.empty()
            && cycle_ >= done_.front().due) {
            raise_response(top);
        }
        top.m_axi_bvalid = bvalid_;
    }

    void end(const Vaccelerator& top) {
        const Address ar{top.m_axi_araddr, top.m_axi_arlen, top.m_axi_arsize, top.m_axi_arburst};
        const Address aw{top.m_axi_awaddr, top.m_axi_awlen, top.m_axi_awsize, top.m_axi_awburst};
        ar_.check(top.m_axi_arvalid, arready_, ar, cycle_, failure_);
        aw_.check(top.m_axi_awvalid, awready_, aw, cycle_, failure_);
        if (top.m_axi_wvalid) {
            Data data;
            memcpy(data.bytes, &top.m_axi_wdata, BUS);
            memcpy(data.strobe, &top.m_axi_wstrb, STROBES);
            data.last = top.m_axi_wlast;
            w_.check(true, wready_, data, cycle_, failure_);
            if (rvalid_ && top.m_axi_rready) take_read();
            if (wready_) take_data(data);
        } else {
            w_.check(false, wready_, Data{}, cycle_, failure_);
            if (rvalid_ && top.m_axi_rready) take_read();
        }
        if (bvalid_ && top.m_axi_bready) {
            bvalid_ = false;
            done_.pop_front();
        }
        if (top.m_axi_arvalid && arready_) {
            check_address("AR", ar);
            fetch(ar);
        }
        if (top.m_axi_awvalid && awready_) {
            check_address("AW", aw);
            open_.push_back({aw.address, aw.length + 1, 0, OKAY});
        }
    }

  private:
    struct Read {
        uint64_t due;
        uint32_t address, length, beat;
        std::vector<uint8_t> bytes;
        bool moves;  // from a DRAM, as `data` says
        DramData data;
    };
    struct Open {
        uint32_t address, length, beats;
        int response;
    };
    struct Written {
        uint64_t address;
        Data data;
    };
    struct Done {
        uint64_t due;
        std::vector<Written> written;
        int response;
    };

    uint32_t draw() {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 17;
        return random_ ^= random_ << 5;
    }

    int response(uint64_t address, int64_t failing) const {
        if (address + BUS > config_.memory_bytes) return DECERR;
        const int64_t first = static_cast<int64_t>(address);
        return first <= failing && failing < first + static_cast<int64_t>(BUS) ? SLVERR : OKAY;
    }

    // The cycle of a read's next beat at the soonest.
    uint64_t due(const Read& read) const {
        if (!read.moves) return read.due;
        return dram_->due(read.data, (read.beat + 1) * BUS) + config_.latency_cycles;
    }

    void fetch(const Address& ar) {
        ++traffic_.read_bursts;
        Read read{cycle_ + config_.latency_cycles, ar.address, ar.length + 1, 0, {}, false, {}};
        if (dram_->exists()) {
            read.moves = true;
            read.data = dram_->burst(cycle_, false, ar.address, read.length * BUS);
        }
        read.bytes.assign(read.length * BUS, 0);
        if (ar.address < config_.memory_bytes) {
            memcpy(read.bytes.data(), config_.memory + ar.address,
                   std::min<uint64_t>(read.bytes.size(), config_.memory_bytes - ar.address));
        }
        reads_.push_back(std::move(read));
    }

    void raise_read(Vaccelerator& top) {
        Read& read = reads_.front();
        const uint64_t address = read.address + read.beat * BUS;
        const int answer = response(address, config_.fail_read);
        if (answer == OKAY) {
            memcpy(&top.m_axi_rdata, &read.bytes[read.beat * BUS], BUS);
        } else {
            memset(&top.m_axi_rdata, 0, BUS);
        }
        ++read.beat;
        top.m_axi_rresp = answer;
        top.m_axi_rlast = read.beat == read.length;
        rvalid_ = true;
    }

    void take_read() {
        credit_ -= BUS;
        rvalid_ = false;
        if (reads_.front().beat == reads_.front().length) reads_.pop_front();
    }

    void raise_response(Vaccelerator& top) {
        for (const Written& written : done_.front().written) {
            if (written.address + BUS > config_.memory_bytes) continue;  // of a run before this one
            const Data& data = written.data;
            for (uint64_t lane = 0; lane < BUS; ++lane) {
                if (data.strobe[lane / 8] >> lane % 8 & 1) {
                    config_.memory[written.address + lane] = data.bytes[lane];
                }
            }
        }
        top.m_axi_bresp = done_.front().response;
        bvalid_ = true;
    }

    void take_data(const Data& data) {
        credit_ -= BUS;
        Open& burst = open_.front();
        const uint64_t address = burst.address + burst.beats * BUS;
        ++burst.beats;
        if (data.last != (burst.beats == burst.length)) {
            failure_.set("AXI4 violation in cycle %llu: WLAST is %d at beat %u of %u",
                         static_cast<unsigned long long>(cycle_), data.last, burst.beats,
                         burst.length);
            return;
        }
        const int answer = response(address, config_.fail_write);
        burst.response = std::max(burst.response, answer);
        if (answer == OKAY) written_.push_back({address, data});
        if (data.last) {
            ++traffic_.write_bursts;
            uint64_t moved = cycle_;
            if (dram_->exists()) {
                const uint64_t size = burst.length * BUS;
                moved = dram_->due(dram_->burst(cycle_, true, burst.address, size), size);
            }
            done_.push_back(
                {moved + config_.write_latency_cycles, std::move(written_), burst.response});
            written_.clear();
            open_.pop_front();
        }
    }

    void check_address(const char* channel, const Address& a) {
        const unsigned long long cycle = cycle_;
        if (a.address % BUS) {
            failure_.set("AXI4 violation in cycle %llu: %s address %#x is not bus-aligned", cycle,
                         channel, a.address);
        }
        if (a.burst != INCR || uint64_t{1} << a.size != BUS) {
            failure_.set("AXI4 violation in cycle %llu: %s has burst type %u and beat size %u",
                         cycle, channel, a.burst, 1u << a.size);
        }
        if (a.address % PAGE + (a.length + 1) * BUS > PAGE) {
            failure_.set("AXI4 violation in cycle %llu: %s burst of %u from %#x crosses 4 KiB",
                         cycle, channel, a.length + 1, a.address);
        }
    }

    const Config& config_;
    Failure& failure_;
    Traffic& traffic_;
    std::unique_ptr<Dram> dram_;
    uint32_t random_ = 0;
    int64_t rate_ = 0;
    int64_t credit_ = BUS;
    uint64_t cycle_ = ~uint64_t{0};
    bool arready_ = false, rvalid_ = false, awready_ = false, wready_ = false, bvalid_ = false;
    std::deque<Read> reads_;
    std::deque<Open> open_;
    std::deque<Done> done_;
    std::vector<Written> written_;
    Held<Address> ar_{"AR"}, aw_{"AW"};
    Held<Data> w_{"W"};
};

class Host {
  public:
    Host(const Config& config, Failure& failure, Result& result)
        : config_(config), failure_(failure), result_(result) {
        next();
    }

    bool finished() const { return step_ == config_.writes + 1 + config_.reads; }

    void begin(Vaccelerator& top) const {
        top.s_axil_awvalid = awvalid_;
        top.s_axil_wvalid = wvalid_;
        top.s_axil_arvalid = arvalid_;
        top.s_axil_awaddr = top.s_axil_araddr = address_;
        top.s_axil_wdata = data_;
    }

    void end(const Vaccelerator& top) {
        ++cycle_;
        if (step_ == config_.writes) {
            if (top.irq) {
                ++step_;
                next();
            } else if (cycle_ + 1 >= config_.max_cycles) {
                failure_.set("no interrupt within %llu cycles",
                             static_cast<unsigned long long>(config_.max_cycles));
            }
            return;
        }
        if (top.s_axil_awready) awvalid_ = false;
        if (top.s_axil_wready) wvalid_ = false;
        if (top.s_axil_arready) arvalid_ = false;
        if (top.s_axil_bvalid || top.s_axil_rvalid) {
            if ((top.s_axil_bvalid && top.s_axil_bresp) || (top.s_axil_rvalid && top.s_axil_rresp)) {
                failure_.set("register %#x answered an error", address_);
                return;
            }
            if (top.s_axil_rvalid) {
                result_.values[step_ - config_.writes - 1] = top.s_axil_rdata;
            }
            ++step_;
            next();
        } else if (cycle_ - begun_ >= ANSWER) {
            failure_.set("register %#x did not answer within %llu cycles", address_,
                         static_cast<unsigned long long>(ANSWER));
        }
    }

  private:
    void next() {
        begun_ = cycle_ + 1;
        awvalid_ = wvalid_ = step_ < config_.writes;
        arvalid_ = step_ > config_.writes && !finished();
        if (awvalid_) {
            address_ = config_.write_address[step_];
            data_ = config_.write_data[step_];
        } else if (arvalid_) {
            address_ = config_.read_address[step_ - config_.writes - 1];
        }
    }

    const Config& config_;
    Failure& failure_;
    Result& result_;
    uint32_t step_ = 0;
    uint64_t cycle_ = ~uint64_t{0}, begun_ = 0;
    bool awvalid_ = false, wvalid_ = false, arvalid_ = false;
    uint32_t address_ = 0, data_ = 0;
};

}  // namespace

// A fresh machine and its runs.
class Run {
  public:
    explicit Run(const Config& config)
        : config_(config), failure_(result_), memory_(config_, result_.traffic, failure_),
          host_(new Host(config_, failure_, result_)), top_(&context_) {
#if VM_TRACE
        context_.traceEverOn(true);
        context_.timeunit(-9);
        context_.timeprecision(-9);
#endif
        top_.s_axil_wstrb = 0xF;
        top_.s_axil_bready = top_.s_axil_rready = 1;
        top_.eval();
        // The register behind rst makes the reset end in the first cycle that is simulated.
        top_.rst = 1;
        for (int number = 0; number < RESET_CYCLES; ++number) cycle();
        top_.rst = 0;
    }
    ~Run() { top_.final(); }

    // Another host's turn on the machine as it is.
    void restart(const Config& config) {
        config_ = config;
        result_ = Result{};
        memory_.restart();
        host_.reset(new Host(config_, failure_, result_));
    }

    void advance(uint64_t cycles) {
        for (; cycles && !failure_.any() && !host_->finished(); --cycles) {
            memory_.begin(top_);
            host_->begin(top_);
            cycle();
#if VM_TRACE
            if (result_.cycles == last_ && trace_.isOpen()) trace_.close();
#endif
            memory_.end(top_);
            if (!failure_.any()) host_->end(top_);
            ++result_.cycles;
        }
        result_.finished = failure_.any() || host_->finished();
    }

    const Result& result() const { return result_; }

#if VM_TRACE
    // Write the waveform of cycles first to last - 1, cycle n from 10 n ns on, to a new file.
    void trace(const char* path, uint64_t first, uint64_t last) {
        first_ = first;
        last_ = last;
        top_.trace(&trace_, 99);
        trace_.open(path);
    }
#endif

  private:
    // To the next cycle, with the inputs as they are now; then there are its outputs.
    void cycle() {
        top_.clk = 1;
        top_.eval();
        dump(0);
        top_.clk = 0;  // clock gates open and close
        top_.eval();
        dump(5);
    }

#if VM_TRACE
    void dump(uint64_t phase) {
        const uint64_t cycle = result_.cycles;
        if (trace_.isOpen() && cycle >= first_ && cycle < last_) trace_.dump(10 * cycle + phase);
    }
#else
    void dump(uint64_t) {}
#endif

    Config config_;
    Result result_{};
    Failure failure_;
    MemoryModel memory_;
    std::unique_ptr<Host> host_;
    VerilatedContext context_;
    Vaccelerator top_;
#if VM_TRACE
    Trace trace_;
    uint64_t first_ = 0, last_ = 0;
#endif
};

EXPORTED Run* accel_begin(const Config* config) { return new Run(*config); }

EXPORTED void accel_restart(Run* run, const Config* config) { run->restart(*config); }

EXPORTED void accel_advance(Run* run, uint64_t cycles, Result* result) {
    run->advance(cycles);
    *result = run->result();
}

#if VM_TRACE
EXPORTED void accel_trace(Run* run, const char* path, uint64_t first, uint64_t last) {
    run->trace(path, first, last);
}
#endif

EXPORTED void accel_end(Run* run) { delete run; }

// The DRAM behind the memory's port, by the rules of accel/sim/dram.py.

#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

// The numbers of accel.dram, in its order, all int64_t; a period of 0 means that there is no DRAM.
extern "C" struct DramNumbers {
    int64_t period, access_shift, access_time, row_shift, banks, rcd, rp, ras, rrd, faw, cl, cwl,
        wr, rtp, wtr, rtw, refi, rfc;
};

// What passed the port, and what a DRAM made of it: accel.sim.engine.TRAFFIC.
extern "C" struct Traffic {
    uint64_t read_bursts, write_bursts, row_hits, row_misses, row_conflicts, turnarounds, refreshes;
};

// When a burst's data moves: `inside` bytes of the first unit come before it.
struct DramData {
    int64_t first;
    uint64_t inside;
};

class Dram {
  public:
    Dram(const DramNumbers& numbers, Traffic& traffic)
        : of_(numbers), traffic_(traffic), banks_(numbers.banks), refresh_(numbers.refi) {}

    bool exists() const { return of_.period != 0; }

    // A burst of `size` bytes reaches the DRAM in `cycle`.
    DramData burst(uint64_t cycle, bool write, uint64_t address, uint64_t size) {
        if (!begun_) epoch_ = cycle;
        const int64_t now = static_cast<int64_t>(cycle - epoch_) * of_.period;
        while (now >= refresh_) refresh();
        const int64_t row = address >> of_.row_shift;
        Bank& bank = banks_[row % of_.banks];
        if (bank.row == row) {
            ++traffic_.row_hits;
        } else {
            open(bank, row, now);
        }
        traffic_.turnarounds += begun_ && write_ != write;
        begun_ = true;
        write_ = write;
        const int64_t column = std::max({now, bank.column, write ? write_from_ : read_from_});
        const uint64_t units =
            ((address + size - 1) >> of_.access_shift) - (address >> of_.access_shift) + 1;
        const int64_t end = column + static_cast<int64_t>(units) * of_.access_time;
        if (write) {
            read_from_ = end + of_.cwl + of_.wtr;
            write_from_ = end;
            bank.precharge = std::max(bank.precharge, end + of_.cwl + of_.wr);
        } else {
            read_from_ = end;
            write_from_ = end + of_.rtw;
            bank.precharge = std::max(bank.precharge, end - of_.access_time + of_.rtp);
        }
        return {column + (write ? of_.cwl : of_.cl), address & ((1ull << of_.access_shift) - 1)};
    }

    // The first cycle that begins when the first `size` bytes of a burst have moved.
    uint64_t due(const DramData& data, uint64_t size) const {
        const uint64_t units = ((data.inside + size - 1) >> of_.access_shift) + 1;
        const int64_t time = data.first + static_cast<int64_t>(units) * of_.access_time;
        return epoch_ + static_cast<uint64_t>((time + of_.period - 1) / of_.period);
    }

  private:
    // The open row, or -1, and the soonest times of what may come next.
    struct Bank {
        int64_t row = -1, column = 0, precharge = 0, activate = 0;
    };

    void refresh() {
        int64_t begin = refresh_;
        bool is_open = false;
        for (const Bank& bank : banks_) {
            begin = std::max(begin, bank.row < 0 ? bank.activate : bank.precharge);
            is_open |= bank.row >= 0;
        }
        for (Bank& bank : banks_) {
            bank.row = -1;
            bank.activate = begin + of_.rfc + (is_open ? of_.rp : 0);
        }
        refresh_ += of_.refi;
        ++traffic_.refreshes;
    }

    void open(Bank& bank, int64_t row, int64_t now) {
        int64_t time = now;
        if (bank.row < 0) {
            ++traffic_.row_misses;
        } else {
            ++traffic_.row_conflicts;
            time = std::max(now, bank.precharge) + of_.rp;
        }
        time = std::max(time, bank.activate);
        if (activations_ > 0) time = std::max(time, activated_[(activations_ - 1) % 4] + of_.rrd);
        if (activations_ > 3) time = std::max(time, activated_[activations_ % 4] + of_.faw);
        activated_[activations_++ % 4] = time;
        bank.row = row;
        bank.column = time + of_.rcd;
        bank.precharge = time + of_.ras;
    }

    DramNumbers of_;
    Traffic& traffic_;
    std::vector<Bank> banks_;
    int64_t refresh_, read_from_ = 0, write_from_ = 0;
    int64_t activated_[4] = {};
    uint64_t activations_ = 0, epoch_ = 0;
    bool begun_ = false, write_ = false;
};

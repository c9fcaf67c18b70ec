// What Verilator's runtime wants of C++ and WebAssembly without threads and files has not.
//
// It is included before everything else.  Nothing here is ever used by a machine: one thread
// simulates, and no file is read or written.

#pragma once
#include <ctime>
#include <istream>
#include <mutex>
#include <ostream>

#ifndef CLOCK_PROCESS_CPUTIME_ID
#define CLOCK_PROCESS_CPUTIME_ID CLOCK_MONOTONIC
#endif

namespace std {

struct mutex {
    void lock() {}
    void unlock() {}
    bool try_lock() { return true; }
};
using recursive_mutex = mutex;

struct condition_variable_any {
    void notify_one() {}
    void notify_all() {}
    template <typename... Arguments> void wait(Arguments&&...) {}
};
using condition_variable = condition_variable_any;

class thread {
  public:
    using id = int;
    thread() = default;
    template <typename... Arguments> explicit thread(Arguments&&...) { __builtin_trap(); }
    bool joinable() const { return false; }
    void join() {}
    static unsigned hardware_concurrency() { return 1; }
};

namespace this_thread {
inline thread::id get_id() { return 0; }
inline void yield() {}
}  // namespace this_thread

}  // namespace std

_LIBCPP_BEGIN_NAMESPACE_STD

// Files that cannot be opened.
template <class Char, class Traits> class basic_ifstream : public basic_istream<Char, Traits> {
  public:
    template <typename... Arguments>
    explicit basic_ifstream(Arguments&&...) : basic_istream<Char, Traits>(nullptr) {}
};
template <class Char, class Traits> class basic_ofstream : public basic_ostream<Char, Traits> {
  public:
    template <typename... Arguments>
    explicit basic_ofstream(Arguments&&...) : basic_ostream<Char, Traits>(nullptr) {}
    void close() {}
};

_LIBCPP_END_NAMESPACE_STD

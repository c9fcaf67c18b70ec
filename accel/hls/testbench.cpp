// Runs a network on images and compares every layer, byte by byte, with what is expected.
//
//   testbench [FOLDER]      weights.bin, parameters.bin, input.bin, expected.bin are in FOLDER
//
// Prints a line a layer with the bytes that differ over all images.  Exit code 0: none does; 1:
// some do; 2: a file is missing or has another size.  Layers' outputs in `memory` are seen only if
// everything is compiled with ACCEL_HLS_OBSERVE (layers.h); without it, as in a co-simulation with
// generated RTL, only those in `output` are compared and the others show "-".
//
// The files are little-endian, as is the processor that this is assumed to run on.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

struct Layer {
    const char* name;
    const char* op;
    const char* shape;
    long long macs;
    int bytes;
    int output_at;  // offset in `output`, or -1
};

#include "expected.h"

namespace {

constexpr int layer_count = sizeof(layer_table) / sizeof(layer_table[0]);

struct Comparison {
    const int8_t* expected;  // of this image, from this layer on
    long long differing;
    bool seen;
};

Comparison comparisons[layer_count];

// Counts bytes that are more than `steps` off.
void compare(int layer, const int8_t* y, int steps) {
    Comparison& one = comparisons[layer];
    one.seen = true;
    for (int i = 0; i < layer_table[layer].bytes; ++i) {
        one.differing += std::abs(y[i] - one.expected[i]) > steps;
    }
}

template <typename T>
std::vector<T> read_file(const std::string& path) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) {
        std::fprintf(stderr, "Error: %s: cannot be opened\n", path.c_str());
        std::exit(2);
    }
    std::fseek(file, 0, SEEK_END);
    std::vector<T> values(static_cast<size_t>(std::ftell(file)) / sizeof(T));
    std::rewind(file);
    const size_t count = std::fread(values.data(), sizeof(T), values.size(), file);
    std::fclose(file);
    if (count != values.size()) {
        std::fprintf(stderr, "Error: %s: cannot be read\n", path.c_str());
        std::exit(2);
    }
    return values;
}

void check_size(const std::string& path, size_t size, size_t wanted) {
    if (size == wanted) return;
    std::fprintf(stderr, "Error: %s: must have %zu elements, not %zu\n", path.c_str(), wanted, size);
    std::exit(2);
}

// Returns the total of differing bytes.
long long print_table() {
    std::printf("%-28s %-16s %14s %16s %10s\n", "layer", "op", "shape", "MACs", "differing");
    long long differing = 0, macs = 0;
    for (int i = 0; i < layer_count; ++i) {
        const Layer& layer = layer_table[i];
        const std::string count = comparisons[i].seen ? std::to_string(comparisons[i].differing) : "-";
        std::printf("%-28s %-16s %14s %16lld %10s\n", layer.name, layer.op, layer.shape, layer.macs,
                    count.c_str());
        differing += comparisons[i].differing;
        macs += layer.macs;
    }
    std::printf("%-28s %-16s %14s %16lld %10lld\n", "total", "", "", macs, differing);
    return differing;
}

}  // namespace

#ifdef ACCEL_HLS_OBSERVE
// What is in `output` is compared at the end, as its user gets it.
void layers::observe(int number, const int8_t* y) {
    if (layer_table[number - 1].output_at < 0) compare(number - 1, y, 0);
}

// A float layer's byte may be a step off.  What is behind it is compared given the expected bytes.
namespace host {
void observe(int number, int8_t* y) {
    compare(number - 1, y, 1);
    std::memcpy(y, comparisons[number - 1].expected, static_cast<size_t>(layer_table[number - 1].bytes));
}
}  // namespace host
#endif

int main(int argc, char** argv) {
    const std::string folder = argc > 1 ? std::string(argv[1]) + "/" : "";
    const std::vector<int8_t> weights = read_file<int8_t>(folder + "weights.bin");
    const std::vector<int32_t> parameters = read_file<int32_t>(folder + "parameters.bin");
    const std::vector<int8_t> input = read_file<int8_t>(folder + "input.bin");
    const std::vector<int8_t> expected = read_file<int8_t>(folder + "expected.bin");

    size_t image_bytes = 0;
    for (const Layer& layer : layer_table) image_bytes += static_cast<size_t>(layer.bytes);
    const size_t images = input.size() / net::input_bytes;
    check_size("weights.bin", weights.size(), net::weight_bytes);
    check_size("parameters.bin", parameters.size(), net::parameter_words);
    check_size("input.bin", input.size(), images * net::input_bytes);
    check_size("expected.bin", expected.size(), images * image_bytes);

    // Space that nobody wrote must not look right by chance.
    std::vector<int8_t> memory(net::memory_bytes, 0x55), output(net::output_bytes, 0x55);
    const int8_t* wanted = expected.data();
    bool copied = true;
    std::chrono::duration<double> seconds(0);
    for (size_t image = 0; image < images; ++image) {
        for (int i = 0; i < layer_count; wanted += layer_table[i++].bytes) {
            comparisons[i].expected = wanted;
        }
        const auto start = std::chrono::steady_clock::now();
        network(input.data() + image * net::input_bytes, weights.data(), parameters.data(),
                memory.data(), output.data());
        seconds += std::chrono::steady_clock::now() - start;
        for (int i = 0; i < layer_count; ++i) {
            const int at = layer_table[i].output_at;
            if (at >= 0) compare(i, output.data() + at, 0);
        }
        copied = copied && inputs_given_out(input.data() + image * net::input_bytes, output.data());
    }
    const long long differing = print_table();
    std::printf("seconds %.6f for %zu image(s), comparing included\n", seconds.count(), images);
    if (!copied) std::fprintf(stderr, "Error: an output that is an input has other bytes\n");
    return differing != 0 || !copied;
}

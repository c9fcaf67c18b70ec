// LeNet-5's first layer as one would write it for HLS: it reads a dump, and writes conv1.hex.
// Built with -DMISTAKE it pads with 0.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

constexpr int SIZE = 28, OUTPUTS = 6, KERNEL = 5, PAD = 2, IN_ZERO = -128, OUT_ZERO = -128;

// What an .npy file holds, behind its header of 128 bytes.
template <typename T>
static std::vector<T> load(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  const T *first = reinterpret_cast<const T *>(bytes.data() + 128);
  return {first, first + (bytes.size() - 128) / sizeof(T)};
}

// The layer: the loops that HLS would pipeline.
static void conv1(const int8_t *image, const int8_t *weights, const int32_t *bias,
                  const int32_t *multiplier, const int8_t *shift, int8_t *out) {
#ifdef MISTAKE
  const int padding = 0;
#else
  const int padding = IN_ZERO;
#endif
  for (int y = 0; y < SIZE; ++y)
    for (int x = 0; x < SIZE; ++x)
      for (int o = 0; o < OUTPUTS; ++o) {
        int32_t sum = bias[o];
        for (int ky = 0; ky < KERNEL; ++ky)
          for (int kx = 0; kx < KERNEL; ++kx) {
            const int row = y + ky - PAD, column = x + kx - PAD;
            const bool inside = row >= 0 && row < SIZE && column >= 0 && column < SIZE;
            const int pixel = inside ? image[row * SIZE + column] : padding;
            sum += (pixel - IN_ZERO) * weights[(o * KERNEL + ky) * KERNEL + kx];
          }
        // ONNX Runtime's requantisation: float32, half to even.
        const float factor = std::ldexp(static_cast<float>(multiplier[o]), shift[o] - 31);
        const long value = std::lrint(static_cast<float>(sum) * factor) + OUT_ZERO;
        out[(y * SIZE + x) * OUTPUTS + o] = value < -128 ? -128 : value > 127 ? 127 : value;
      }
}

int main(int, char **arguments) {
  const std::string layer = std::string(arguments[1]) + "/000_conv1/";
  const auto image = load<int8_t>(layer + "input0.npy"), weights = load<int8_t>(layer + "weights.npy");
  const auto bias = load<int32_t>(layer + "bias.npy"), multiplier = load<int32_t>(layer + "multiplier.npy");
  const auto shift = load<int8_t>(layer + "shift.npy");
  std::vector<int8_t> out(SIZE * SIZE * OUTPUTS);
  conv1(image.data(), weights.data(), bias.data(), multiplier.data(), shift.data(), out.data());
  // As $writememh has it: 16 bytes a line, the first one in the lowest bits.
  FILE *file = std::fopen((std::string(arguments[2]) + "/conv1.hex").c_str(), "w");
  for (size_t first = 0; first < out.size(); first += 16) {
    for (int n = 15; n >= 0; --n) std::fprintf(file, "%02x", static_cast<uint8_t>(out[first + n]));
    std::fputc('\n', file);
  }
  std::fclose(file);
}

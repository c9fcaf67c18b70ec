// Sign extension in one or two instructions, where Verilator's own functions take four.
//
// Included before all that Verilator writes.  Of every multiplication and addition of the array
// these are the largest part.

#include "verilated.h"

static inline IData accel_extend(int bits, IData value) {
    return static_cast<IData>(static_cast<int32_t>(value << (32 - bits)) >> (32 - bits));
}
static inline QData accel_extend(int bits, QData value) {
    return static_cast<QData>(static_cast<int64_t>(value << (64 - bits)) >> (64 - bits));
}

#define VL_EXTENDS_II(to, from, value) accel_extend(from, static_cast<IData>(value))
#define VL_EXTENDS_QI(to, from, value) accel_extend(from, static_cast<QData>(value))
#define VL_EXTENDS_QQ(to, from, value) accel_extend(from, static_cast<QData>(value))
#define VL_MULS_III(bits, a, b) (VL_EXTENDS_II(32, bits, a) * VL_EXTENDS_II(32, bits, b))
#define VL_MULS_QQQ(bits, a, b) (VL_EXTENDS_QQ(64, bits, a) * VL_EXTENDS_QQ(64, bits, b))

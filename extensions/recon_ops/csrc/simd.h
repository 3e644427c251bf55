// Compiles the file named by RECON_KERNEL once per instruction set, each copy in its own namespace, and picks one at
// run time. A kernel file uses only the vector functions of simd_vector.h and calls nothing from the standard library:
// a library template instantiated here could be emitted for a processor that the program later does not have.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__GNUC__) && defined(__x86_64__)
#define RECON_X86 1
#include <immintrin.h>
#else
#define RECON_X86 0
#endif

#if defined(__GNUC__)
#define RECON_INLINE inline __attribute__((always_inline))
#define RECON_RESTRICT __restrict__
#else
#define RECON_INLINE inline
#define RECON_RESTRICT
#endif

namespace recon_ops {

enum class Isa { generic, avx2, avx512 };

// The best set the processor has; RECON_OPS_ISA=generic or avx2 asks for less, so that every copy can be tested.
inline Isa detect_isa() {
#if RECON_X86
  const char* wish = std::getenv("RECON_OPS_ISA");
  if (wish && !std::strcmp(wish, "generic")) return Isa::generic;
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  if (avx512 && !(wish && !std::strcmp(wish, "avx2"))) return Isa::avx512;
  if (avx2) return Isa::avx2;
#endif
  return Isa::generic;
}

inline Isa isa() {
  static const Isa found = detect_isa();
  return found;
}

}  // namespace recon_ops

#if RECON_X86
#define RECON_DISPATCH(call)                              \
  (isa() == Isa::avx512 ? avx512::call : isa() == Isa::avx2 ? avx2::call : generic::call)
#else
#define RECON_DISPATCH(call) generic::call
#endif

#if RECON_X86
#define RECON_ISA 512
#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,popcnt")
#endif
namespace recon_ops::avx512 {
#include "simd_vector.h"
#include RECON_KERNEL
}  // namespace recon_ops::avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef RECON_ISA

#define RECON_ISA 256
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,popcnt")
#endif
namespace recon_ops::avx2 {
#include "simd_vector.h"
#include RECON_KERNEL
}  // namespace recon_ops::avx2
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef RECON_ISA
#endif

#define RECON_ISA 0
namespace recon_ops::generic {
#include "simd_vector.h"
#include RECON_KERNEL
}  // namespace recon_ops::generic
#undef RECON_ISA

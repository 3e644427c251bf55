// What every operator's CPU front shares: argument checks, scratch memory and layout changes.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "tensor.h"

namespace recon_ops {

inline void check_floats(const Tensor& tensor, const char* name, int64_t width = -1) {
  check(tensor.dim() == 3, name, " must have 3 dimensions, got ", tensor.dim());
  check(tensor.scalar_type() == Type::Float, name, " must be float32");
  check(width < 0 || tensor.size(2) == width, name, " must have last size ", width, ", got ", tensor.size(2));
  // Positions inside one cloud are kept in 32 bits.
  check(tensor.size(1) < (int64_t{1} << 30) && tensor.size(2) < (int64_t{1} << 30), name, " is too large");
}

inline void check_same_batch(const Tensor& a, const Tensor& b, const char* names) {
  check(a.size(0) == b.size(0), names, " have different batch sizes: ", a.size(0), " and ", b.size(0));
}

inline int64_t grain(int64_t cost_of_one) {
  return std::max<int64_t>(1, 32768 / std::max<int64_t>(1, cost_of_one));
}

inline bool all_finite(const float* values, int64_t count) {
  // An exponent of all ones is infinity or NaN; integers, so that the loop is vectorised without fast-math.
  constexpr uint32_t exponent = 0x7f800000u;
  uint32_t bad = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    bad |= (bits & exponent) == exponent;
  }
  return bad == 0;
}

inline void check_finite(const Tensor& tensor, const char* name) {
  std::atomic<bool> finite{true};
  const float* values = tensor.const_data_ptr<float>();
  parallel_for(0, tensor.numel(), 1 << 16, [&](int64_t begin, int64_t end) {
    if (!all_finite(values + begin, end - begin)) finite.store(false, std::memory_order_relaxed);
  });
  check(finite.load(), name, " must be finite");
}

inline void check_index(const Tensor& index, const char* name, int64_t limit) {
  check(index.scalar_type() == Type::Long, name, " must be int64");
  std::atomic<bool> inside{true};
  const int64_t* values = index.const_data_ptr<int64_t>();
  parallel_for(0, index.numel(), 1 << 15, [&](int64_t begin, int64_t end) {
    bool bad = false;
    for (int64_t i = begin; i < end; ++i) bad |= static_cast<uint64_t>(values[i]) >= static_cast<uint64_t>(limit);
    if (bad) inside.store(false, std::memory_order_relaxed);
  });
  check(inside.load(), name, " must be in 0..", limit - 1);
}

// Uninitialised memory, aligned for every vector width, for as long as the object lives.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count)
      : data_(static_cast<T*>(::operator new(static_cast<size_t>(std::max<int64_t>(count, 1)) * sizeof(T), ALIGNMENT))) {}
  T* get() const { return data_.get(); }

 private:
  static constexpr std::align_val_t ALIGNMENT{64};
  struct Free {
    void operator()(T* data) const { ::operator delete(data, ALIGNMENT); }
  };
  std::unique_ptr<T, Free> data_;
};

// Entries per coordinate in the transposed layout: whole tiles of vectors for every instruction set.
constexpr int64_t PADDING = 64;
inline int64_t padded(int64_t count) { return (count + PADDING - 1) / PADDING * PADDING; }

// (count, width) to (width, padded(count)). Padding lies at infinity: behind every real point, never inside a radius.
inline void transpose(const float* points, int64_t count, int64_t width, float* out) {
  const int64_t stride = padded(count);
  if (width == 3) {
    for (int64_t i = 0; i < count; ++i) {
      out[i] = points[3 * i];
      out[stride + i] = points[3 * i + 1];
      out[2 * stride + i] = points[3 * i + 2];
    }
  } else {
    for (int64_t i = 0; i < count; ++i)
      for (int64_t d = 0; d < width; ++d) out[d * stride + i] = points[i * width + d];
  }
  for (int64_t d = 0; d < width; ++d)
    std::fill(out + d * stride + count, out + (d + 1) * stride, std::numeric_limits<float>::infinity());
}

}  // namespace recon_ops

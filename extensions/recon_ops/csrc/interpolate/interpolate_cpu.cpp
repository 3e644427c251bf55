#include "../common.h"

namespace recon_ops {
namespace {

void check_inputs(const Tensor& values, const char* name, const Tensor& index, const Tensor& weight) {
  check_floats(values, name);
  check_floats(weight, "weight", 3);
  check(weight.size(0) == values.size(0), "weight must be (B, n, 3) with the B of ", name);
  check(has_sizes(index, {weight.size(0), weight.size(1), 3}), "index must be (B, n, 3), as weight is");
}

Tensor three_interpolate(const Tensor& features, const Tensor& index, const Tensor& weight) {
  check_inputs(features, "features", index, weight);
  const int64_t batch = features.size(0), channels = features.size(1), total = features.size(2), count = index.size(1);
  const Tensor from = as_contiguous(features), at_index = as_contiguous(index), by = as_contiguous(weight);
  check_index(at_index, "index", total);
  Tensor out = empty({batch, channels, count}, Type::Float, from);
  const float *values = from.const_data_ptr<float>(), *weights = by.const_data_ptr<float>();
  const int64_t* where = at_index.const_data_ptr<int64_t>();
  float* to = out.mutable_data_ptr<float>();
  parallel_for(0, batch * channels, grain(3 * count), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* line = values + row * total;
      const int64_t* place = where + row / channels * count * 3;
      const float* w = weights + row / channels * count * 3;
      for (int64_t i = 0; i < count; ++i)
        to[row * count + i] = line[place[3 * i]] * w[3 * i] + line[place[3 * i + 1]] * w[3 * i + 1] +
                              line[place[3 * i + 2]] * w[3 * i + 2];
    }
  });
  return out;
}

Tensor three_interpolate_backward(const Tensor& grad, const Tensor& index, const Tensor& weight, int64_t total) {
  check_inputs(grad, "grad", index, weight);
  check(index.size(1) == grad.size(2), "index must be (B, n, 3) with the n of grad");
  check(total >= 0, "m must not be negative, got ", total);
  const int64_t batch = grad.size(0), channels = grad.size(1), count = grad.size(2);
  const Tensor from = as_contiguous(grad), at_index = as_contiguous(index), by = as_contiguous(weight);
  check_index(at_index, "index", total);
  Tensor out = empty({batch, channels, total}, Type::Float, from);
  const float *values = from.const_data_ptr<float>(), *weights = by.const_data_ptr<float>();
  const int64_t* where = at_index.const_data_ptr<int64_t>();
  float* to = out.mutable_data_ptr<float>();
  // A row is added up in order by one thread: the same sums with any number of threads.
  parallel_for(0, batch * channels, grain(3 * count + total), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* line = to + row * total;
      std::fill(line, line + total, 0.0f);
      const int64_t* place = where + row / channels * count * 3;
      const float* w = weights + row / channels * count * 3;
      for (int64_t i = 0; i < 3 * count; ++i) line[place[i]] += values[row * count + i / 3] * w[i];
    }
  });
  return out;
}

}  // namespace

RECON_LIBRARY(CPU, m) {
  m.impl("three_interpolate", RECON_KERNEL_OF(three_interpolate));
  m.impl("three_interpolate_backward", RECON_KERNEL_OF(three_interpolate_backward));
}

}  // namespace recon_ops

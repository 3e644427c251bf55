#include "../common.h"

namespace recon_ops {
namespace {

void check(const Tensor& values, const char* name, const Tensor& index) {
  check_floats(values, name);
  TORCH_CHECK_VALUE(index.dim() == 2 && index.size(0) == values.size(0), "index must be (B, L) with the B of ", name);
}

Tensor gather_channels(const Tensor& features, const Tensor& index) {
  check(features, "features", index);
  const int64_t batch = features.size(0), channels = features.size(1), total = features.size(2), count = index.size(1);
  const Tensor from = features.contiguous(), at_index = index.contiguous();
  check_index(at_index, "index", total);
  Tensor out = at::empty({batch, channels, count}, from.options());
  const float* values = from.const_data_ptr<float>();
  const int64_t* where = at_index.const_data_ptr<int64_t>();
  float* to = out.mutable_data_ptr<float>();
  at::parallel_for(0, batch * channels, grain(count), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* line = values + row * total;
      const int64_t* place = where + row / channels * count;
      for (int64_t i = 0; i < count; ++i) to[row * count + i] = line[place[i]];
    }
  });
  return out;
}

Tensor gather_channels_backward(const Tensor& grad, const Tensor& index, int64_t total) {
  check(grad, "grad", index);
  TORCH_CHECK_VALUE(index.size(1) == grad.size(2), "index must be (B, L) with the L of grad");
  TORCH_CHECK_VALUE(total >= 0, "n must not be negative, got ", total);
  const int64_t batch = grad.size(0), channels = grad.size(1), count = grad.size(2);
  const Tensor from = grad.contiguous(), at_index = index.contiguous();
  check_index(at_index, "index", total);
  Tensor out = at::empty({batch, channels, total}, from.options());
  const float* values = from.const_data_ptr<float>();
  const int64_t* where = at_index.const_data_ptr<int64_t>();
  float* to = out.mutable_data_ptr<float>();
  // A row is added up in order by one thread: the same sums with any number of threads.
  at::parallel_for(0, batch * channels, grain(count + total), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* line = to + row * total;
      std::fill(line, line + total, 0.0f);
      const int64_t* place = where + row / channels * count;
      for (int64_t i = 0; i < count; ++i) line[place[i]] += values[row * count + i];
    }
  });
  return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(recon_ops, CPU, m) {
  m.impl("gather_channels", gather_channels);
  m.impl("gather_channels_backward", gather_channels_backward);
}

}  // namespace recon_ops

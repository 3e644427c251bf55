#include "../common.h"

namespace recon_ops {
namespace {

// Channels that are worked off together: every index is read once for all of them.
constexpr int64_t BLOCK = 4;

void check_inputs(const Tensor& values, const char* name, const Tensor& index) {
  check_floats(values, name);
  check(index.dim() == 2 && index.size(0) == values.size(0), "index must be (B, L) with the B of ", name);
}

// Calls work(cloud, channel, width) for all channels of all clouds, `width` of them at a time: BLOCK or fewer.
template <class Work>
void for_blocks(int64_t batch, int64_t channels, int64_t cost_of_channel, Work work) {
  const int64_t blocks = (channels + BLOCK - 1) / BLOCK;
  parallel_for(0, batch * blocks, grain(BLOCK * cost_of_channel), [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t channel = block % blocks * BLOCK;
      work(block / blocks, channel, std::min(BLOCK, channels - channel));
    }
  });
}

template <int64_t WIDTH>
void pick(const float* from, int64_t total, const int64_t* place, int64_t count, float* to) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < WIDTH; ++c) to[c * count + i] = from[c * total + place[i]];
}

template <int64_t WIDTH>
void put(const float* from, int64_t stride, int64_t step, const int64_t* place, int64_t count, float* to,
         int64_t total) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < WIDTH; ++c) to[c * total + place[i]] += from[c * stride + i * step];
}

Tensor gather_channels(const Tensor& features, const Tensor& index) {
  check_inputs(features, "features", index);
  const int64_t batch = features.size(0), channels = features.size(1), total = features.size(2), count = index.size(1);
  const Tensor from = as_contiguous(features), at_index = as_contiguous(index);
  check_index(at_index, "index", total);
  Tensor out = empty({batch, channels, count}, Type::Float, from);
  const float* values = from.const_data_ptr<float>();
  const int64_t* where = at_index.const_data_ptr<int64_t>();
  float* to = out.mutable_data_ptr<float>();
  for_blocks(batch, channels, count, [=](int64_t cloud, int64_t channel, int64_t width) {
    const int64_t row = cloud * channels + channel, *place = where + cloud * count;
    const auto some = width == BLOCK ? pick<BLOCK> : pick<1>;
    const int64_t step = width == BLOCK ? BLOCK : 1;
    for (int64_t c = row; c < row + width; c += step) some(values + c * total, total, place, count, to + c * count);
  });
  return out;
}

Tensor gather_channels_backward(const Tensor& grad, const Tensor& index, int64_t total) {
  check_inputs(grad, "grad", index);
  check(index.size(1) == grad.size(2), "index must be (B, L) with the L of grad");
  check(total >= 0, "n must not be negative, got ", total);
  const int64_t batch = grad.size(0), channels = grad.size(1), count = grad.size(2);
  const Tensor at_index = as_contiguous(index);
  check_index(at_index, "index", total);
  Tensor out = zeros({batch, channels, total}, Type::Float, grad);
  const float* values = grad.const_data_ptr<float>();
  const int64_t* where = at_index.const_data_ptr<int64_t>();
  float* to = out.mutable_data_ptr<float>();
  // The gradient of a sum is one number seen many times, that of a transposed result is strided: neither is copied.
  const int64_t cloud_stride = grad.stride(0), stride = grad.stride(1), entry = grad.stride(2);
  // A channel is added up in order by one thread: the same sums with any number of threads.
  for_blocks(batch, channels, count + total, [=](int64_t cloud, int64_t channel, int64_t width) {
    const int64_t* place = where + cloud * count;
    const auto some = width == BLOCK ? put<BLOCK> : put<1>;
    const int64_t step = width == BLOCK ? BLOCK : 1;
    for (int64_t c = channel; c < channel + width; c += step) {
      const float* read = values + cloud * cloud_stride + c * stride;
      some(read, stride, entry, place, count, to + (cloud * channels + c) * total, total);
    }
  });
  return out;
}

}  // namespace

RECON_LIBRARY(CPU, m) {
  m.impl("gather_channels", RECON_KERNEL_OF(gather_channels));
  m.impl("gather_channels_backward", RECON_KERNEL_OF(gather_channels_backward));
}

}  // namespace recon_ops

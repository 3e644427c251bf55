// Channels of chosen points, and the transpose by sorted segments.
#include "../common.cuh"

namespace recon_ops::cuda {
namespace {

__global__ void __launch_bounds__(kColumnThreads) gather(
    const float* features, const int64_t* index, int64_t items, int64_t channels, int64_t sources, int64_t targets,
    float* out) {
  for (int64_t item = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; item < items;
       item += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    const Column target = column_at(item, channels, targets);
    const int64_t source = index[target.cloud * targets + target.column];
    CUDA_KERNEL_ASSERT(source >= 0 && source < sources);
    const int64_t row = target.cloud * channels + target.channel;
    const float* read = features + row * sources + source;
    float* write = out + row * targets + target.column;
#pragma unroll
    for (int channel = 0; channel < kColumnChannels; ++channel) {
      if (channel < target.channels) write[channel * targets] = read[channel * sources];
    }
  }
}

__device__ inline int64_t lower_bound(const int* sorted, int64_t size, int64_t value) {
  int64_t low = 0;
  while (size > 0) {
    const int64_t half = size / 2;
    if (sorted[low + half] < value) {
      low += half + 1;
      size -= half + 1;
    } else {
      size = half;
    }
  }
  return low;
}

// The transpose of a gather. `sorted` and `order` (batch, entries) come from a stable sort of the target indices, so
// every target adds up its entries one after another, in the order of their positions.
// Entry e read column e / share of `grad`, times its weight where there is one.
template <bool kWeighted>
__global__ void __launch_bounds__(kColumnThreads) sum_segments(
    const float* grad, const int* sorted, const int64_t* order, const float* weight, int64_t items, int64_t channels,
    int64_t entries, int64_t share, int64_t targets, float* out) {
  const int64_t columns = entries / share;
  for (int64_t item = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; item < items;
       item += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    const Column target = column_at(item, channels, targets);
    const int* own = sorted + target.cloud * entries;
    float sum[kColumnChannels] = {};
    for (int64_t at = lower_bound(own, entries, target.column); at < entries && own[at] == target.column; ++at) {
      const int64_t entry = order[target.cloud * entries + at];
      const float* read = grad + (target.cloud * channels + target.channel) * columns + entry / share;
      const float factor = kWeighted ? weight[target.cloud * entries + entry] : 1.0f;
#pragma unroll
      for (int channel = 0; channel < kColumnChannels; ++channel) {
        if (channel >= target.channels) break;
        const float value = read[channel * columns];
        sum[channel] = __fadd_rn(sum[channel], kWeighted ? __fmul_rn(factor, value) : value);
      }
    }
    float* write = out + (target.cloud * channels + target.channel) * targets + target.column;
#pragma unroll
    for (int channel = 0; channel < kColumnChannels; ++channel) {
      if (channel < target.channels) write[channel * targets] = sum[channel];
    }
  }
}

}  // namespace

Tensor scatter_columns(
    const Tensor& grad, const Tensor& index, const Tensor* weight, int64_t share, int64_t targets) {
  const int64_t batch = grad.size(0), channels = grad.size(1), entries = index.numel() / std::max<int64_t>(batch, 1);
  const Tensor out = zeros({batch, channels, targets}, Type::Float, grad);
  if (out.numel() == 0 || entries == 0) return out;
  count(targets);  // 32-bit keys sort in half the time
  const auto [sorted, order] = sort_rows(as_int_matrix(index, batch, entries));
  const int64_t items = column_items(batch, channels, targets);
  const float* weights = weight == nullptr ? nullptr : weight->const_data_ptr<float>();
  launch(
      weight == nullptr ? sum_segments<false> : sum_segments<true>, blocks_in_strides(items, kColumnThreads),
      kColumnThreads, grad.const_data_ptr<float>(), sorted.const_data_ptr<int>(), order.const_data_ptr<int64_t>(),
      weights, items, channels, entries, share, targets, out.mutable_data_ptr<float>());
  return out;
}

namespace {

Tensor gather_channels(const Tensor& features, const Tensor& index) {
  const DeviceOf guard(features);
  const Tensor from = floats(features, "features", features, 3), at = indices(index, "index", features, 2);
  const int64_t batch = from.size(0), channels = from.size(1), targets = at.size(1);
  check(at.size(0) == batch, "features (B, C, N) and index (B, L) do not fit");
  const Tensor out = empty({batch, channels, targets}, Type::Float, from);
  if (out.numel() == 0) return out;
  check(from.size(2) > 0, "features must hold at least one point");
  const int64_t items = column_items(batch, channels, targets);
  launch(
      gather, blocks_in_strides(items, kColumnThreads), kColumnThreads, from.const_data_ptr<float>(),
      at.const_data_ptr<int64_t>(), items, channels, from.size(2), targets, out.mutable_data_ptr<float>());
  return out;
}

Tensor gather_channels_backward(const Tensor& grad, const Tensor& index, int64_t n) {
  const DeviceOf guard(grad);
  const Tensor from = floats(grad, "grad", grad, 3), at = indices(index, "index", grad, 2);
  check(
      at.size(0) == from.size(0) && at.size(1) == from.size(2) && n >= 0, "grad (B, C, L) and index (B, L) do not fit");
  return scatter_columns(from, at, nullptr, 1, n);
}

}  // namespace

RECON_LIBRARY(CUDA, m) {
  m.impl("gather_channels", RECON_KERNEL_OF(gather_channels));
  m.impl("gather_channels_backward", RECON_KERNEL_OF(gather_channels_backward));
}

}  // namespace recon_ops::cuda

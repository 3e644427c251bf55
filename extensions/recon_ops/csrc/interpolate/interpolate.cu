// Weighted sum of three features a point, and its transpose by sorted segments.
#include "../common.cuh"

namespace recon_ops::cuda {
namespace {

__global__ void __launch_bounds__(kColumnThreads) interpolate(
    const float* features, const int64_t* index, const float* weight, int64_t items, int64_t channels, int64_t sources,
    int64_t targets, float* out) {
  for (int64_t item = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; item < items;
       item += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    const Column target = column_at(item, channels, targets);
    const int64_t at = (target.cloud * targets + target.column) * 3;
    const int64_t first = index[at], second = index[at + 1], third = index[at + 2];
    CUDA_KERNEL_ASSERT(
        first >= 0 && first < sources && second >= 0 && second < sources && third >= 0 && third < sources);
    const float* read = features + (target.cloud * channels + target.channel) * sources;
    float* write = out + (target.cloud * channels + target.channel) * targets + target.column;
    for (int64_t channel = 0; channel < target.channels; ++channel, read += sources) {
      const float two = __fadd_rn(__fmul_rn(weight[at], read[first]), __fmul_rn(weight[at + 1], read[second]));
      write[channel * targets] = __fadd_rn(two, __fmul_rn(weight[at + 2], read[third]));
    }
  }
}

Tensor three_interpolate(const Tensor& features, const Tensor& index, const Tensor& weight) {
  const DeviceOf guard(features);
  const Tensor from = floats(features, "features", features, 3), by = floats(weight, "weight", features, 3);
  const Tensor at = indices(index, "index", features, 3);
  const int64_t batch = from.size(0), channels = from.size(1), targets = at.size(1);
  check(
      at.size(0) == batch && at.size(2) == 3 && has_sizes(by, {batch, targets, 3}),
      "features (B, C, m), index (B, n, 3) and weight (B, n, 3) do not fit");
  const Tensor out = empty({batch, channels, targets}, Type::Float, from);
  if (out.numel() == 0) return out;
  check(from.size(2) > 0, "features must hold at least one point");
  const int64_t items = column_items(batch, channels, targets);
  launch(
      interpolate, blocks_in_strides(items, kColumnThreads), kColumnThreads, from.const_data_ptr<float>(),
      at.const_data_ptr<int64_t>(), by.const_data_ptr<float>(), items, channels, from.size(2), targets,
      out.mutable_data_ptr<float>());
  return out;
}

Tensor three_interpolate_backward(
    const Tensor& grad, const Tensor& index, const Tensor& weight, int64_t m) {
  const DeviceOf guard(grad);
  const Tensor from = floats(grad, "grad", grad, 3), by = floats(weight, "weight", grad, 3);
  const Tensor at = indices(index, "index", grad, 3);
  check(
      at.size(0) == from.size(0) && at.size(1) == from.size(2) && at.size(2) == 3 && has_sizes(by, {at.size(0), at.size(1), 3}) && m >= 0,
      "grad (B, C, n), index (B, n, 3) and weight (B, n, 3) do not fit");
  return scatter_columns(from, at, &by, 3, m);
}

}  // namespace

RECON_LIBRARY(CUDA, m) {
  m.impl("three_interpolate", RECON_KERNEL_OF(three_interpolate));
  m.impl("three_interpolate_backward", RECON_KERNEL_OF(three_interpolate_backward));
}

}  // namespace recon_ops::cuda

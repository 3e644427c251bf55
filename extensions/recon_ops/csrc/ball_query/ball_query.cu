// The first k points within a radius, in index order: a warp a centre, which stops as soon as it has them.
#include "../common.cuh"

namespace recon_ops::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kCenters = kThreads / kWarp;

__global__ void __launch_bounds__(kThreads) first_in_ball(
    const float* centers, const float* points, int64_t rows, int m, int n, float limit, int k, int64_t* index) {
  const int lane = threadIdx.x % kWarp;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kCenters + threadIdx.x / kWarp;
  if (row >= rows) return;
  const float x = centers[row * 3], y = centers[row * 3 + 1], z = centers[row * 3 + 2];
  points += row / m * n * 3;
  index += row * k;
  int found = 0, first = 0;
  for (int base = 0; base < n && found < k; base += kWarp) {
    const int i = base + lane;
    bool inside = false;
    if (i < n) {
      const float* point = points + static_cast<int64_t>(i) * 3;
      inside = squared_norm(x - point[0], y - point[1], z - point[2]) < limit;
    }
    const unsigned votes = __ballot_sync(kAllLanes, inside);
    if (votes == 0) continue;
    if (found == 0) first = base + __ffs(votes) - 1;
    const int rank = found + __popc(votes & ((1u << lane) - 1));
    if (inside && rank < k) index[rank] = i;
    found += __popc(votes);
  }
  for (int rank = found + lane; rank < k; rank += kWarp) index[rank] = first;
}

Tensor ball_query(const Tensor& centers, const Tensor& points, double radius, int64_t k) {
  const DeviceOf guard(centers);
  const Tensor from = floats(centers, "centers", centers, 3), to = floats(points, "points", centers, 3);
  check(
      from.size(0) == to.size(0) && from.size(2) == 3 && to.size(2) == 3,
      "centers (B, M, 3) and points (B, N, 3) do not fit");
  const int64_t batch = from.size(0), m = from.size(1);
  const Tensor index = empty({batch, m, k}, Type::Long, from);
  if (index.numel() == 0) return index;
  const float rounded = static_cast<float>(radius);  // squared in float32, as on the CPU
  launch(
      first_in_ball, blocks_for(batch * m, kCenters), kThreads, from.const_data_ptr<float>(),
      to.const_data_ptr<float>(), batch * m, count(m), count(to.size(1)), rounded * rounded, count(k),
      index.mutable_data_ptr<int64_t>());
  return index;
}

}  // namespace

RECON_LIBRARY(CUDA, m) {
  m.impl("ball_query", RECON_KERNEL_OF(ball_query));
}

}  // namespace recon_ops::cuda

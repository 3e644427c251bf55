// Nearest points between two clouds, both directions in one launch, and the deterministic gradient.
#include "../common.cuh"

namespace recon_ops::cuda {
namespace {

constexpr int kPatch = 64;   // points of a cloud that a warp handles alone
constexpr int kPairs = 4;    // pairs of patches a block
constexpr int kThreads = 256;

struct Direction {
  float* distance;
  int64_t* index;
};

// One direction of a pair: each lane owns up to kEach points and looks at all of the other patch.
template <int kEach>
__device__ inline void nearest_of_patch(
    const float4* own, int m, const float4* other, int n, Direction out, int64_t cloud, int lane) {
  float4 point[kEach];
  unsigned best[kEach], where[kEach];
#pragma unroll
  for (int each = 0; each < kEach; ++each) {
    point[each] = own[each * kWarp + lane];
    best[each] = ~0u;
    where[each] = 0;
  }
#pragma unroll 4
  for (int j = 0; j < n; ++j) {
    const float4 candidate = other[j];
#pragma unroll
    for (int each = 0; each < kEach; ++each) {
      const unsigned bits = __float_as_uint(
          squared_norm(point[each].x - candidate.x, point[each].y - candidate.y, point[each].z - candidate.z));
      if (bits < best[each]) {
        best[each] = bits;
        where[each] = j;
      }
    }
  }
#pragma unroll
  for (int each = 0; each < kEach; ++each) {
    const int i = each * kWarp + lane;
    if (i >= m) continue;
    out.distance[cloud * m + i] = __uint_as_float(best[each]);
    out.index[cloud * m + i] = where[each];
  }
}

template <int kEach>
__global__ void __launch_bounds__(kPairs * kWarp) nearest_patches(
    const float* a, const float* b, int64_t batch, int m, int n, Direction out_a, Direction out_b) {
  constexpr int kRoom = kEach * kWarp;
  __shared__ float4 patches[kPairs][2][kRoom];
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const int64_t cloud = static_cast<int64_t>(blockIdx.x) * kPairs + warp;
  if (cloud >= batch) return;  // whole warps leave, and only warps wait for one another
  a += cloud * m * 3;
  b += cloud * n * 3;
#pragma unroll
  for (int each = 0; each < kEach; ++each) {
    const int i = each * kWarp + lane;
    patches[warp][0][i] = i < m ? make_float4(a[i * 3], a[i * 3 + 1], a[i * 3 + 2], 0.0f) : float4{};
    patches[warp][1][i] = i < n ? make_float4(b[i * 3], b[i * 3 + 1], b[i * 3 + 2], 0.0f) : float4{};
  }
  __syncwarp();
  nearest_of_patch<kEach>(patches[warp][0], m, patches[warp][1], n, out_a, cloud, lane);
  nearest_of_patch<kEach>(patches[warp][1], n, patches[warp][0], m, out_b, cloud, lane);
}

// What the gradient into own needs: its points (batch, m, 3) that chose `chosen` in other (batch, n, 3), and points of
// other that chose `choosing` in own.
struct Gradient {
  const float* own;
  const float* other;
  const float* grad_own;
  const float* grad_other;
  const int64_t* chosen;
  const int64_t* choosing;
  int m;
  int n;
  float* out;
};

__device__ inline float add_term(float sum, float factor, float own, float other) {
  return __fadd_rn(sum, __fmul_rn(factor, own - other));
}

// A thread owns a point and reads through the choices of the other cloud in order: sums need no atomics.
__global__ void nearest_gradient(Gradient task, int64_t batch) {
  __shared__ int choices[kThreads];
  const int threads = blockDim.x;
  const int blocks = (task.m + threads - 1) / threads;
  const int64_t cloud = blockIdx.x / blocks;
  if (cloud >= batch) return;
  const int i = static_cast<int>(blockIdx.x % blocks) * threads + threadIdx.x;
  const float* other = task.other + cloud * task.n * 3;
  const float* grad_other = task.grad_other + cloud * task.n;
  const int64_t row = cloud * task.m + i;
  float x = 0.0f, y = 0.0f, z = 0.0f, sum_x = 0.0f, sum_y = 0.0f, sum_z = 0.0f;
  if (i < task.m) {
    x = task.own[row * 3];
    y = task.own[row * 3 + 1];
    z = task.own[row * 3 + 2];
    const int64_t chosen = task.chosen[row];
    CUDA_KERNEL_ASSERT(chosen >= 0 && chosen < task.n);
    const float factor = 2.0f * task.grad_own[row];
    sum_x = __fmul_rn(factor, x - other[chosen * 3]);
    sum_y = __fmul_rn(factor, y - other[chosen * 3 + 1]);
    sum_z = __fmul_rn(factor, z - other[chosen * 3 + 2]);
  }
  for (int base = 0; base < task.n; base += threads) {
    const int size = min(threads, task.n - base);
    __syncthreads();
    if (threadIdx.x < size) choices[threadIdx.x] = static_cast<int>(task.choosing[cloud * task.n + base + threadIdx.x]);
    __syncthreads();
#pragma unroll 8
    for (int j = 0; j < size; ++j) {
      if (choices[j] != i) continue;
      const int64_t from = base + j;
      const float factor = 2.0f * grad_other[from];
      sum_x = add_term(sum_x, factor, x, other[from * 3]);
      sum_y = add_term(sum_y, factor, y, other[from * 3 + 1]);
      sum_z = add_term(sum_z, factor, z, other[from * 3 + 2]);
    }
  }
  if (i >= task.m) return;
  task.out[row * 3] = sum_x;
  task.out[row * 3 + 1] = sum_y;
  task.out[row * 3 + 2] = sum_z;
}

struct Pair {
  Tensor a, b;
  int64_t batch;
  int m, n;
};

Pair check_pair(const Tensor& a, const Tensor& b) {
  Pair pair = {floats(a, "a", a, 3), floats(b, "b", a, 3), a.size(0), count(a.size(1)), count(b.size(1))};
  check(
      a.size(2) == 3 && b.size(2) == 3 && a.size(0) == b.size(0), "a (B, M, 3) and b (B, N, 3) do not fit");
  check(pair.batch == 0 || (pair.m == 0) == (pair.n == 0), "an empty cloud has no nearest points");
  return pair;
}

std::tuple<Tensor, Tensor, Tensor, Tensor> nearest(const Tensor& a, const Tensor& b) {
  const DeviceOf guard(a);
  const auto [own, other, batch, m, n] = check_pair(a, b);
  const Tensor distance_a = empty({batch, m}, Type::Float, own), index_a = empty({batch, m}, Type::Long, own);
  const Tensor distance_b = empty({batch, n}, Type::Float, own), index_b = empty({batch, n}, Type::Long, own);
  if (batch == 0 || m == 0 || n == 0) return {distance_a, distance_b, index_a, index_b};
  const float* points_a = own.const_data_ptr<float>();
  const float* points_b = other.const_data_ptr<float>();
  const Direction out_a = {distance_a.mutable_data_ptr<float>(), index_a.mutable_data_ptr<int64_t>()};
  const Direction out_b = {distance_b.mutable_data_ptr<float>(), index_b.mutable_data_ptr<int64_t>()};
  const int larger = std::max(m, n);
  if (larger <= kPatch) {
    launch(
        larger <= kWarp ? nearest_patches<1> : nearest_patches<2>, blocks_for(batch, kPairs), kPairs * kWarp, points_a,
        points_b, batch, m, n, out_a, out_b);
  } else {
    const Search to_b = {points_a, points_b, batch, m, n, 1, out_a.distance, out_a.index, nullptr};
    const Search to_a = {points_b, points_a, batch, n, m, 1, out_b.distance, out_b.index, nullptr};
    search_both(to_b, to_a);
  }
  return {distance_a, distance_b, index_a, index_b};
}

Tensor nearest_backward(
    const Tensor& grad_a, const Tensor& grad_b, const Tensor& a, const Tensor& b,
    const Tensor& index_a, const Tensor& index_b) {
  const DeviceOf guard(a);
  const auto [own, other, batch, m, n] = check_pair(a, b);
  const Tensor from_a = floats(grad_a, "grad_a", a, 2), from_b = floats(grad_b, "grad_b", a, 2);
  const Tensor to_b = indices(index_a, "index_a", a, 2), to_a = indices(index_b, "index_b", a, 2);
  check(
      from_a.numel() == batch * m && to_b.numel() == batch * m && from_b.numel() == batch * n &&
          to_a.numel() == batch * n,
      "gradients and indices do not fit a (B, M, 3) and b (B, N, 3)");
  const Tensor out = empty({batch, m, 3}, Type::Float, own);
  if (batch == 0 || m == 0 || n == 0) return out;
  const Gradient task = {
      own.const_data_ptr<float>(),    other.const_data_ptr<float>(),  from_a.const_data_ptr<float>(),
      from_b.const_data_ptr<float>(), to_b.const_data_ptr<int64_t>(), to_a.const_data_ptr<int64_t>(),
      m,                              n,                              out.mutable_data_ptr<float>()};
  const int threads = std::min(kThreads, (m - 1) / kWarp * kWarp + kWarp);
  launch(nearest_gradient, blocks_for(batch * ((m - 1) / threads + 1), 1), threads, task, batch);
  return out;
}

}  // namespace

RECON_LIBRARY(CUDA, m) {
  m.impl("nearest", RECON_KERNEL_OF(nearest));
  m.impl("nearest_backward", RECON_KERNEL_OF(nearest_backward));
}

}  // namespace recon_ops::cuda

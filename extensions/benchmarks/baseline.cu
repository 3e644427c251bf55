// The classic formulations of three point operators, as a yardstick for the benchmark and nothing else.
// Inputs are contiguous float32 CUDA tensors, clouds (B, N, 3); nothing is checked beyond that.
#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/csrc/utils/pybind.h>

#include <cstdint>
#include <limits>
#include <tuple>

namespace recon_baseline {
namespace {

constexpr int kSampleThreads = 512;
constexpr int kThreads = 256;
constexpr float kOriginRadiusSquared = 1e-3f;

template <typename Kernel, typename... Args>
void launch(Kernel kernel, dim3 grid, int threads, Args... args) {
  if (grid.x == 0 || grid.y == 0) return;
  kernel<<<grid, threads, 0, c10::cuda::getCurrentCUDAStream()>>>(args...);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

unsigned blocks_for(int64_t items) {
  return static_cast<unsigned>((items + kThreads - 1) / kThreads);
}

void check(const at::Tensor& tensor) {
  TORCH_CHECK(
      tensor.is_cuda() && tensor.is_contiguous() && tensor.dim() == 3 && tensor.scalar_type() == at::kFloat,
      "expected a contiguous (B, N, C) float32 CUDA tensor");
}

__device__ float squared(float x, float y, float z) {
  return __fadd_rn(__fadd_rn(__fmul_rn(x, x), __fmul_rn(y, y)), __fmul_rn(z, z));
}

// One block a cloud. Every step reads all points and running distances from global memory, then halves the candidates
// in shared memory until one is left.
__global__ void sample_kernel(
    const float* points, int total, int samples, bool skip_origin, float* distance, int64_t* picked) {
  __shared__ float values[kSampleThreads];
  __shared__ int places[kSampleThreads];
  points += static_cast<int64_t>(blockIdx.x) * total * 3;
  distance += static_cast<int64_t>(blockIdx.x) * total;
  picked += static_cast<int64_t>(blockIdx.x) * samples;
  int last = 0;
  if (threadIdx.x == 0) picked[0] = 0;
  for (int step = 1; step < samples; ++step) {
    const float x = points[last * 3], y = points[last * 3 + 1], z = points[last * 3 + 2];
    float best = -1.0f;
    int place = 0;
    for (int i = threadIdx.x; i < total; i += kSampleThreads) {
      const float px = points[i * 3], py = points[i * 3 + 1], pz = points[i * 3 + 2];
      if (skip_origin && squared(px, py, pz) <= kOriginRadiusSquared) continue;
      const float nearest = min(distance[i], squared(px - x, py - y, pz - z));
      distance[i] = nearest;
      if (nearest > best) {
        best = nearest;
        place = i;
      }
    }
    values[threadIdx.x] = best;
    places[threadIdx.x] = place;
    __syncthreads();
    for (int half = kSampleThreads / 2; half > 0; half /= 2) {
      if (threadIdx.x < half) {
        const float other = values[threadIdx.x + half];
        const int its = places[threadIdx.x + half];
        if (other > values[threadIdx.x] || (other == values[threadIdx.x] && its < places[threadIdx.x])) {
          values[threadIdx.x] = other;
          places[threadIdx.x] = its;
        }
      }
      __syncthreads();
    }
    last = places[0];
    if (threadIdx.x == 0) picked[step] = last;
    __syncthreads();
  }
}

// The whole matrix (batch, n, m), candidates first: neighbouring threads hold neighbouring queries.
__global__ void matrix_kernel(
    const float* query, const float* points, int m, int n, int dimensions, int64_t items, float* matrix) {
  const int64_t item = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (item >= items) return;
  const int64_t row = item / m;  // a candidate, counted over the batch
  const float* own = query + (row / n * m + item % m) * dimensions;
  const float* other = points + row * dimensions;
  float sum = 0.0f;
  for (int axis = 0; axis < dimensions; ++axis) {
    const float difference = own[axis] - other[axis];
    sum = __fadd_rn(sum, __fmul_rn(difference, difference));
  }
  matrix[item] = sum;
}

// A thread a query keeps its k best so far, sorted, in the output itself.
__global__ void select_kernel(
    const float* matrix, int64_t queries, int m, int n, int k, float* distance, int64_t* index) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= queries) return;
  const float* column = matrix + at / m * n * m + at % m;
  float* best = distance + at * k;
  int64_t* where = index + at * k;
  for (int64_t i = 0; i < n; ++i) {
    const float value = column[i * m];
    const int filled = i < k ? static_cast<int>(i) : k;
    if (filled == k && value >= best[k - 1]) continue;
    int place = filled < k ? filled : k - 1;
    for (; place > 0 && best[place - 1] > value; --place) {
      best[place] = best[place - 1];
      where[place] = where[place - 1];
    }
    best[place] = value;
    where[place] = i;
  }
}

// A thread a point reads the other cloud in shared tiles. One direction a launch.
__global__ void nearest_kernel(const float* query, const float* points, int m, int n, float* distance, int64_t* index) {
  __shared__ float tile[kThreads * 3];
  const int64_t cloud = blockIdx.y;
  const int i = blockIdx.x * kThreads + threadIdx.x;
  const int64_t row = cloud * m + i;
  float x = 0.0f, y = 0.0f, z = 0.0f, best = std::numeric_limits<float>::infinity();
  int place = 0;
  if (i < m) {
    x = query[row * 3];
    y = query[row * 3 + 1];
    z = query[row * 3 + 2];
  }
  for (int base = 0; base < n; base += kThreads) {
    const int size = min(kThreads, n - base);
    for (int item = threadIdx.x; item < size * 3; item += kThreads) tile[item] = points[(cloud * n + base) * 3 + item];
    __syncthreads();
    for (int j = 0; j < size; ++j) {
      const float value = squared(x - tile[j * 3], y - tile[j * 3 + 1], z - tile[j * 3 + 2]);
      if (value < best) {
        best = value;
        place = base + j;
      }
    }
    __syncthreads();
  }
  if (i >= m) return;
  distance[row] = best;
  index[row] = place;
}

// A thread a point adds to its own gradient and to that of the point it chose.
__global__ void gradient_kernel(
    const float* grad, const float* query, const float* points, const int64_t* index, int m, int n, int64_t queries,
    float* grad_query, float* grad_points) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (row >= queries) return;
  const int64_t chosen = row / m * n + index[row];
  for (int axis = 0; axis < 3; ++axis) {
    const float value = 2.0f * grad[row] * (query[row * 3 + axis] - points[chosen * 3 + axis]);
    atomicAdd(grad_query + row * 3 + axis, value);
    atomicAdd(grad_points + chosen * 3 + axis, -value);
  }
}

}  // namespace

at::Tensor farthest_point_sample(const at::Tensor& points, int64_t num_samples, bool skip_origin) {
  check(points);
  const c10::cuda::CUDAGuard guard(points.device());
  const int64_t batch = points.size(0), total = points.size(1);
  const at::Tensor distance = at::full({batch, total}, std::numeric_limits<float>::infinity(), points.options());
  const at::Tensor picked = at::empty({batch, num_samples}, points.options().dtype(at::kLong));
  launch(
      sample_kernel, dim3(batch), kSampleThreads, points.const_data_ptr<float>(), static_cast<int>(total),
      static_cast<int>(num_samples), skip_origin, distance.mutable_data_ptr<float>(),
      picked.mutable_data_ptr<int64_t>());
  return picked;
}

std::tuple<at::Tensor, at::Tensor> knn(const at::Tensor& query, const at::Tensor& points, int64_t k) {
  check(query);
  check(points);
  const c10::cuda::CUDAGuard guard(query.device());
  const int64_t batch = query.size(0), m = query.size(1), n = points.size(1);
  const at::Tensor matrix = at::empty({batch, n, m}, query.options());
  const at::Tensor distance = at::empty({batch, m, k}, query.options());
  const at::Tensor index = at::empty({batch, m, k}, query.options().dtype(at::kLong));
  launch(
      matrix_kernel, dim3(blocks_for(batch * n * m)), kThreads, query.const_data_ptr<float>(),
      points.const_data_ptr<float>(), static_cast<int>(m), static_cast<int>(n), static_cast<int>(query.size(2)),
      batch * n * m, matrix.mutable_data_ptr<float>());
  launch(
      select_kernel, dim3(blocks_for(batch * m)), kThreads, matrix.const_data_ptr<float>(), batch * m,
      static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), distance.mutable_data_ptr<float>(),
      index.mutable_data_ptr<int64_t>());
  return {distance, index};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> nearest(const at::Tensor& a, const at::Tensor& b) {
  check(a);
  check(b);
  const c10::cuda::CUDAGuard guard(a.device());
  const auto search = [](const at::Tensor& query, const at::Tensor& points) {
    const int64_t batch = query.size(0), m = query.size(1);
    TORCH_CHECK(batch <= 65535, "at most 65535 clouds");
    const at::Tensor distance = at::empty({batch, m}, query.options());
    const at::Tensor index = at::empty({batch, m}, query.options().dtype(at::kLong));
    launch(
        nearest_kernel, dim3(blocks_for(m), batch), kThreads, query.const_data_ptr<float>(),
        points.const_data_ptr<float>(), static_cast<int>(m), static_cast<int>(points.size(1)),
        distance.mutable_data_ptr<float>(), index.mutable_data_ptr<int64_t>());
    return std::make_tuple(distance, index);
  };
  const auto [distance_a, index_a] = search(a, b);
  const auto [distance_b, index_b] = search(b, a);
  return {distance_a, distance_b, index_a, index_b};
}

std::tuple<at::Tensor, at::Tensor> nearest_backward(
    const at::Tensor& grad_a, const at::Tensor& grad_b, const at::Tensor& a, const at::Tensor& b,
    const at::Tensor& index_a, const at::Tensor& index_b) {
  check(a);
  check(b);
  const c10::cuda::CUDAGuard guard(a.device());
  const at::Tensor out_a = at::zeros_like(a), out_b = at::zeros_like(b);
  const auto add = [](const at::Tensor& grad, const at::Tensor& query, const at::Tensor& points,
                      const at::Tensor& index, const at::Tensor& out_query, const at::Tensor& out_points) {
    const int64_t rows = query.size(0) * query.size(1);
    const at::Tensor from = grad.contiguous();
    launch(
        gradient_kernel, dim3(blocks_for(rows)), kThreads, from.const_data_ptr<float>(), query.const_data_ptr<float>(),
        points.const_data_ptr<float>(), index.const_data_ptr<int64_t>(), static_cast<int>(query.size(1)),
        static_cast<int>(points.size(1)), rows, out_query.mutable_data_ptr<float>(),
        out_points.mutable_data_ptr<float>());
  };
  add(grad_a, a, b, index_a, out_a, out_b);
  add(grad_b, b, a, index_b, out_b, out_a);
  return {out_a, out_b};
}

}  // namespace recon_baseline

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("farthest_point_sample", &recon_baseline::farthest_point_sample);
  m.def("knn", &recon_baseline::knn);
  m.def("nearest", &recon_baseline::nearest);
  m.def("nearest_backward", &recon_baseline::nearest_backward);
}

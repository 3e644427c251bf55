// What the CUDA files share: launching, checks, exact distances, ordered keys, and what one operator does for another.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "tensor.h"

#if !RECON_STABLE_ABI
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace recon_ops::cuda {

#if RECON_STABLE_ABI

#define RECON_CUDA_CHECK(call) STD_CUDA_CHECK(call)

// Makes the device of a tensor the current one.
struct DeviceOf : torch::stable::accelerator::DeviceGuard {
  explicit DeviceOf(const Tensor& tensor) : DeviceGuard(tensor.get_device_index()) {}
};

inline cudaStream_t current_stream() {
  int device = 0;
  void* stream = nullptr;
  STD_CUDA_CHECK(cudaGetDevice(&device));
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(device, &stream));
  return static_cast<cudaStream_t>(stream);
}

#else

#define RECON_CUDA_CHECK(call) C10_CUDA_CHECK(call)

struct DeviceOf : c10::cuda::CUDAGuard {
  explicit DeviceOf(const Tensor& tensor) : CUDAGuard(tensor.device()) {}
};

inline cudaStream_t current_stream() { return c10::cuda::getCurrentCUDAStream(); }

#endif

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

template <typename Kernel, typename... Args>
void launch(Kernel kernel, dim3 grid, int threads, Args... args) {
  kernel<<<grid, threads, 0, current_stream()>>>(args...);
  RECON_CUDA_CHECK(cudaGetLastError());
}

// Blocks of a one-dimensional grid in which `each` items share a block.
inline unsigned blocks_for(int64_t items, int64_t each) {
  const int64_t blocks = (items + each - 1) / each;
  check(blocks <= std::numeric_limits<int>::max(), "too many blocks for one launch: ", blocks);
  return static_cast<unsigned>(blocks);
}

// A grid for kernels that walk their items in strides of the grid.
inline unsigned blocks_in_strides(int64_t items, int64_t each) {
  return static_cast<unsigned>(std::min<int64_t>((items + each - 1) / each, 1 << 20));
}

inline int count(int64_t size) {
  check(size <= std::numeric_limits<int>::max() / 2, "a cloud of ", size, " points is too large");
  return static_cast<int>(size);
}

inline Tensor of_type(const Tensor& tensor, Type type, const char* name, const Tensor& beside, int64_t dimensions) {
  check(
      tensor.dim() == dimensions && tensor.scalar_type() == type && tensor.is_cuda() &&
          tensor.get_device() == beside.get_device(),
      name, " must be a ", dimensions, "-dimensional ", type == Type::Float ? "float32" : "int64", " tensor on cuda:",
      static_cast<int>(beside.get_device()));
  return as_contiguous(tensor);
}

inline Tensor floats(const Tensor& tensor, const char* name, const Tensor& beside, int64_t dimensions) {
  return of_type(tensor, Type::Float, name, beside, dimensions);
}

inline Tensor indices(const Tensor& tensor, const char* name, const Tensor& beside, int64_t dimensions) {
  return of_type(tensor, Type::Long, name, beside, dimensions);
}

// Rounded after every step, so that no compiler setting fuses them: all implementations choose the same indices.
__device__ inline float add_square(float sum, float difference) {
  return __fadd_rn(sum, __fmul_rn(difference, difference));
}

__device__ inline float squared_norm(float x, float y, float z) {
  return add_square(add_square(__fmul_rn(x, x), y), z);
}

// Distances are not negative, so their bits order as they do. With the index below them, keys are all different and
// the smaller one is the nearer point or, at equal distance, the one of lower index.
using Key = unsigned long long;
constexpr Key kNoKey = ~0ull;

__device__ inline Key make_key(unsigned distance_bits, unsigned index) {
  return static_cast<Key>(distance_bits) << 32 | index;
}

__device__ inline unsigned key_bits(Key key) {
  return static_cast<unsigned>(key >> 32);
}

__device__ inline int key_index(Key key) {
  return static_cast<int>(static_cast<unsigned>(key));
}

// One search: m queries a cloud among n points. Outputs that are null are not written.
struct Search {
  const float* query;
  const float* points;
  int64_t batch;
  int m;
  int n;
  int k;
  float* distance;  // (batch, m, k)
  int64_t* index;   // (batch, m, k)
  float* offset;    // (batch, m, k, 3): points relative to their query
};

// Writes entry `rank` of query `row` (counted over the whole batch); three dimensions where offsets are wanted.
__device__ inline void write_found(const Search& task, int64_t row, int rank, Key key) {
  const int64_t at = row * task.k + rank;
  const int64_t found = key_index(key);
  if (task.distance != nullptr) task.distance[at] = __uint_as_float(key_bits(key));
  if (task.index != nullptr) task.index[at] = found;
  if (task.offset != nullptr) {
    const float* point = task.points + (row / task.m * task.n + found) * 3;
    const float* center = task.query + row * 3;
    for (int axis = 0; axis < 3; ++axis) task.offset[at * 3 + axis] = point[axis] - center[axis];
  }
}

constexpr int kColumnThreads = 256;
constexpr int kColumnChannels = 8;

// One item of a (batch, channels, columns) result: a thread takes eight channels of one column, neighbouring threads
// neighbouring columns.
struct Column {
  int64_t cloud, column, channel, channels;
};

__device__ inline Column column_at(int64_t item, int64_t channels, int64_t columns) {
  const int64_t chunks = (channels + kColumnChannels - 1) / kColumnChannels;
  const int64_t channel = item / columns % chunks * kColumnChannels;
  const int64_t left = channels - channel;
  return {item / columns / chunks, item % columns, channel, left < kColumnChannels ? left : kColumnChannels};
}

inline int64_t column_items(int64_t batch, int64_t channels, int64_t columns) {
  return batch * ((channels + kColumnChannels - 1) / kColumnChannels) * columns;
}

// fps.cu: index (B, S) of the picked points of points (B, N, 3), and where `centers` is not null their coordinates.
void sample_farthest(
    const Tensor& points, int64_t num_samples, bool skip_origin, const Tensor& index, float* centers);

// knn.cu: nearest points, ascending, ties by lowest index; `dimensions` coordinates each.
void search_nearest(const Search& task, int64_t dimensions, const Tensor& like);

// knn.cu: two searches in three dimensions with k = 1 in one launch. Both are of the same batch, neither is empty.
void search_both(const Search& first, const Search& second);

// gather.cu: the transpose of a gather, summed in the order of the entries. grad (B, C, columns), index (B, entries)
// with `share` entries a column, weight as index or null -> (B, C, targets).
Tensor scatter_columns(
    const Tensor& grad, const Tensor& index, const Tensor* weight, int64_t share, int64_t targets);

}  // namespace recon_ops::cuda

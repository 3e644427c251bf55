// k nearest neighbours without a distance matrix: a warp a query, candidates in shared tiles, a sorted list across
// lanes; eight lanes a query where k is at most three.
#include "../common.cuh"

namespace recon_ops::cuda {
namespace {

constexpr int kWarps = 4;          // queries of a block
constexpr int kLargestList = 128;  // a larger k is sorted instead of searched in passes of 32

constexpr int kFewThreads = 256;
constexpr int kFewLanes = 8;
constexpr int kFewQueries = kFewThreads / kFewLanes;
constexpr int kFewTile = 512;

// k <= kList nearest in three dimensions: eight lanes a query, each with the best of every eighth candidate in
// registers, merged at the end. The second grid dimension chooses the task, so both directions share a launch.
template <int kList>
__global__ void __launch_bounds__(kFewThreads) few_nearest(Search first, Search second) {
  __shared__ float4 tile[kFewTile];
  const Search task = blockIdx.y == 0 ? first : second;
  const int blocks = (task.m + kFewQueries - 1) / kFewQueries;
  const int64_t cloud = blockIdx.x / blocks;
  if (cloud >= task.batch) return;
  const int lane = threadIdx.x % kFewLanes;
  const int wanted = static_cast<int>(blockIdx.x % blocks) * kFewQueries + threadIdx.x / kFewLanes;
  const int64_t row = cloud * task.m + min(wanted, task.m - 1);
  const float x = task.query[row * 3], y = task.query[row * 3 + 1], z = task.query[row * 3 + 2];
  const float* points = task.points + cloud * task.n * 3;

  unsigned best[kList], where[kList];
#pragma unroll
  for (int rank = 0; rank < kList; ++rank) best[rank] = where[rank] = ~0u;

  for (int base = 0; base < task.n; base += kFewTile) {
    const int size = min(kFewTile, task.n - base);
    __syncthreads();
    for (int i = threadIdx.x; i < size; i += kFewThreads) {
      const float* point = points + (static_cast<int64_t>(base) + i) * 3;
      tile[i] = make_float4(point[0], point[1], point[2], 0.0f);
    }
    __syncthreads();
#pragma unroll 4
    for (int i = lane; i < size; i += kFewLanes) {
      const float4 point = tile[i];
      const unsigned bits = __float_as_uint(squared_norm(x - point.x, y - point.y, z - point.z));
      if (bits >= best[kList - 1]) continue;
      best[kList - 1] = bits;
      where[kList - 1] = base + i;
#pragma unroll
      for (int rank = kList - 1; rank > 0; --rank) {
        if (best[rank] >= best[rank - 1]) continue;
        const unsigned nearer = best[rank], its = where[rank];
        best[rank] = best[rank - 1];
        where[rank] = where[rank - 1];
        best[rank - 1] = nearer;
        where[rank - 1] = its;
      }
    }
  }

  for (int rank = 0; rank < task.k; ++rank) {
    const Key mine = make_key(best[0], where[0]);
    Key least = mine;
    for (int step = kFewLanes / 2; step > 0; step /= 2) least = min(least, __shfl_xor_sync(kAllLanes, least, step));
    if (mine == least) {
#pragma unroll
      for (int next = 1; next < kList; ++next) {
        best[next - 1] = best[next];
        where[next - 1] = where[next];
      }
      best[kList - 1] = where[kList - 1] = ~0u;
    }
    if (wanted < task.m && lane == rank % kFewLanes) write_found(task, row, rank, least);
  }
}

// One step of a bitonic network across the warp: lanes `stride` apart keep the smaller and the larger key.
__device__ inline Key exchange(Key key, int stride, bool smaller) {
  const Key other = __shfl_xor_sync(kAllLanes, key, stride);
  return smaller == (key < other) ? key : other;
}

__device__ inline Key sort_descending(Key key, int lane) {
#pragma unroll
  for (int size = 2; size <= kWarp; size *= 2) {
#pragma unroll
    for (int stride = size / 2; stride > 0; stride /= 2) {
      key = exchange(key, stride, ((lane & stride) == 0) == ((lane & size) != 0));
    }
  }
  return key;
}

// The smallest keys >= `from` that a warp has been offered, ascending by lane. Keys that may belong to them wait in a
// queue in shared memory, so that sorting costs once for 32 of them.
struct Selector {
  Key list, limit, from;
  Key* queue;  // room for 64
  int waiting, wanted, lane;

  __device__ void start(Key least, int size) {
    list = limit = kNoKey;
    from = least;
    waiting = 0;
    wanted = size;
  }

  __device__ void absorb(Key key) {
    // An ascending and a descending sequence: the smaller of each pair are the 32 smallest, in bitonic order.
    list = min(list, sort_descending(key, lane));
#pragma unroll
    for (int stride = kWarp / 2; stride > 0; stride /= 2) list = exchange(list, stride, (lane & stride) == 0);
    limit = __shfl_sync(kAllLanes, list, wanted - 1);
  }

  __device__ void offer(Key key) {
    const bool welcome = key >= from && key < limit;
    const unsigned votes = __ballot_sync(kAllLanes, welcome);
    if (votes == 0) return;
    if (welcome) queue[waiting + __popc(votes & ((1u << lane) - 1))] = key;
    waiting += __popc(votes);
    __syncwarp();
    if (waiting < kWarp) return;
    waiting -= kWarp;
    const Key full = queue[lane];
    const Key rest = lane < waiting ? queue[kWarp + lane] : kNoKey;
    __syncwarp();
    if (lane < waiting) queue[lane] = rest;
    absorb(full);
  }

  __device__ void finish() {
    __syncwarp();
    absorb(lane < waiting ? queue[lane] : kNoKey);
    __syncwarp();
  }
};

// kDims is the number of dimensions, or 0 for any: those come in slices, with the sums of a tile in registers.
template <int kDims>
__global__ void __launch_bounds__(kWarps * kWarp) warp_nearest(Search task, int dimensions) {
  constexpr int kThreads = kWarps * kWarp;
  constexpr int kSlice = kDims > 0 ? kDims : 16;
  constexpr int kStride = kSlice | 1;  // odd: lanes read different banks
  constexpr int kEach = 4;             // candidates a lane sums up before it offers them
  constexpr int kGroup = kEach * kWarp;
  constexpr int kTile = kDims > 0 ? 4 * kGroup : kGroup;
  static_assert(kDims == 0 || kDims == kStride, "tiles are copied as they are");
  __shared__ float tile[kTile * kStride];
  __shared__ float center[kWarps][kSlice];
  __shared__ Key queues[kWarps][2 * kWarp];

  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const int blocks = (task.m + kWarps - 1) / kWarps;
  const int64_t cloud = blockIdx.x / blocks;
  const int wanted = static_cast<int>(blockIdx.x % blocks) * kWarps + warp;
  const int64_t row = cloud * task.m + min(wanted, task.m - 1);
  const float* points = task.points + cloud * task.n * dimensions;
  const float* query = task.query + row * dimensions;

  const auto load = [&](int base, int size, int slice, int width) {
    const float* from = points + static_cast<int64_t>(base) * dimensions + slice;
    __syncthreads();
    if (lane < width) center[warp][lane] = query[slice + lane];
    if constexpr (kDims > 0) {
      for (int i = threadIdx.x; i < size * kDims; i += kThreads) tile[i] = from[i];
    } else {
      const int axis = threadIdx.x % kSlice;
      for (int i = threadIdx.x / kSlice; i < size; i += kThreads / kSlice) {
        if (axis < width) tile[i * kStride + axis] = from[static_cast<int64_t>(i) * dimensions + axis];
      }
    }
    __syncthreads();
  };
  // Beyond the end of a tile the sums are of whatever stands there, and are not offered.
  const auto add = [&](float* sum, int group, int width) {
#pragma unroll
    for (int axis = 0; axis < kSlice; ++axis) {
      if (axis >= width) break;
      const float own = center[warp][axis];
#pragma unroll
      for (int each = 0; each < kEach; ++each) {
        sum[each] = add_square(sum[each], own - tile[(group + each * kWarp + lane) * kStride + axis]);
      }
    }
  };
  Selector nearest;
  nearest.queue = queues[warp];
  nearest.lane = lane;
  const auto offer = [&](const float* sum, int base, int group, int size) {
#pragma unroll
    for (int each = 0; each < kEach; ++each) {
      const int at = group + each * kWarp + lane;
      nearest.offer(at < size ? make_key(__float_as_uint(sum[each]), base + at) : kNoKey);
    }
  };

  Key from = 0;
  for (int done = 0; done < task.k; done += kWarp) {
    nearest.start(from, min(kWarp, task.k - done));
    for (int base = 0; base < task.n; base += kTile) {
      const int size = min(kTile, task.n - base);
      if constexpr (kDims > 0) {
        load(base, size, 0, kDims);
        for (int group = 0; group < size; group += kGroup) {
          float sum[kEach] = {};
          add(sum, group, kDims);
          offer(sum, base, group, size);
        }
      } else {
        float sum[kEach] = {};
        for (int slice = 0; slice < dimensions; slice += kSlice) {
          const int width = min(kSlice, dimensions - slice);
          load(base, size, slice, width);
          add(sum, 0, width);
        }
        offer(sum, base, 0, size);
      }
    }
    nearest.finish();
    if (wanted < task.m && lane < nearest.wanted) write_found(task, row, done + lane, nearest.list);
    from = nearest.limit + 1;  // keys are all different: the next ones begin above the last
  }
}

__global__ void write_keys(Search task, int dimensions, int64_t first_row, int64_t rows, int64_t* keys) {
  const int64_t items = rows * task.n;
  for (int64_t item = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; item < items;
       item += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    const int64_t row = first_row + item / task.n;
    const int64_t candidate = item % task.n;
    const float* query = task.query + row * dimensions;
    const float* point = task.points + (row / task.m * task.n + candidate) * dimensions;
    float sum = 0.0f;
    for (int axis = 0; axis < dimensions; ++axis) sum = add_square(sum, query[axis] - point[axis]);
    keys[item] = static_cast<int64_t>(make_key(__float_as_uint(sum), static_cast<unsigned>(candidate)));
  }
}

__global__ void write_sorted(Search task, int64_t first_row, int64_t rows, const int64_t* keys) {
  const int64_t items = rows * task.k;
  for (int64_t item = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; item < items;
       item += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    write_found(task, first_row + item / task.k, static_cast<int>(item % task.k), static_cast<Key>(keys[item]));
  }
}

unsigned few_blocks(const Search& task) {
  return blocks_for(task.batch * ((task.m - 1) / kFewQueries + 1), 1);
}

// Large k: keys of as many queries as fit a bounded scratch, sorted.
void sort_nearest(const Search& task, int dimensions, const Tensor& like) {
  constexpr int64_t kScratch = int64_t{1} << 25;
  constexpr int kThreads = 256;
  const int64_t total = task.batch * task.m;
  const int64_t rows = std::min(total, std::max<int64_t>(1, kScratch / task.n));
  for (int64_t start = 0; start < total; start += rows) {
    const int64_t now = std::min(rows, total - start);
    const Tensor keys = empty({now, task.n}, Type::Long, like);
    launch(
        write_keys, blocks_in_strides(now * task.n, kThreads), kThreads, task, dimensions, start, now,
        keys.mutable_data_ptr<int64_t>());
    const Tensor least = as_contiguous(smallest_of_rows(keys, task.k));
    launch(
        write_sorted, blocks_in_strides(now * task.k, kThreads), kThreads, task, start, now,
        least.const_data_ptr<int64_t>());
  }
}

}  // namespace

void search_nearest(const Search& task, int64_t dimensions, const Tensor& like) {
  if (task.batch == 0 || task.m == 0 || task.k == 0) return;
  check(task.k <= task.n, "k must be in 1..", task.n, ", got ", task.k);
  check(dimensions >= 1 && dimensions <= (1 << 20), "too many dimensions: ", dimensions);
  const int dims = static_cast<int>(dimensions);
  if (dims == 3 && task.k <= 3) {
    launch(task.k == 1 ? few_nearest<1> : few_nearest<3>, dim3(few_blocks(task)), kFewThreads, task, task);
  } else if (task.k <= kLargestList) {
    const dim3 grid(blocks_for(task.batch * ((task.m - 1) / kWarps + 1), 1));
    launch(dims == 3 ? warp_nearest<3> : warp_nearest<0>, grid, kWarps * kWarp, task, dims);
  } else {
    sort_nearest(task, dims, like);
  }
}

void search_both(const Search& first, const Search& second) {
  launch(few_nearest<1>, dim3(std::max(few_blocks(first), few_blocks(second)), 2), kFewThreads, first, second);
}

namespace {

std::tuple<Tensor, Tensor> knn(const Tensor& query, const Tensor& points, int64_t k, bool) {
  const DeviceOf guard(query);
  const Tensor from = floats(query, "query", query, 3), to = floats(points, "points", query, 3);
  check(from.size(0) == to.size(0) && from.size(2) == to.size(2), "query and points do not fit");
  const int64_t batch = from.size(0), m = from.size(1);
  const Tensor distance = empty({batch, m, k}, Type::Float, from);
  const Tensor index = empty({batch, m, k}, Type::Long, from);
  const Search task = {
      from.const_data_ptr<float>(), to.const_data_ptr<float>(), batch, count(m), count(to.size(1)), count(k),
      distance.mutable_data_ptr<float>(), index.mutable_data_ptr<int64_t>(), nullptr};
  search_nearest(task, from.size(2), from);
  return {distance, index};
}

}  // namespace

RECON_LIBRARY(CUDA, m) {
  m.impl("knn", RECON_KERNEL_OF(knn));
}

}  // namespace recon_ops::cuda

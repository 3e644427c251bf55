// Farthest point sampling: one block a cloud with the points in registers, or several blocks where one is too small.
#include "../common.cuh"

namespace recon_ops::cuda {
namespace {

constexpr float kOriginRadiusSquared = 1e-3f;
constexpr int kLargestBlock = 8192;  // points that one block holds in registers
constexpr int kSharedThreads = 512;  // threads of each block where several blocks share a cloud

struct Best {
  int value;       // ordered(distance)
  unsigned index;  // of lower index among equal distances
};

// Floats as integers of the same order: whole-warp reductions exist for integers only.
__device__ inline int ordered(float value) {
  const int bits = __float_as_int(value);
  return bits < 0 ? bits ^ 0x7fffffff : bits;
}

__device__ inline Best better(Best a, Best b) {
  return b.value > a.value || (b.value == a.value && b.index < a.index) ? b : a;
}

__device__ inline Best warp_best(Best mine) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const int value = __reduce_max_sync(kAllLanes, mine.value);
  return {value, __reduce_min_sync(kAllLanes, mine.value == value ? mine.index : ~0u)};
#else
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const Best other = {
        __shfl_xor_sync(kAllLanes, mine.value, step), __shfl_xor_sync(kAllLanes, mine.index, step)};
    mine = better(mine, other);
  }
  return mine;
#endif
}

// The best of the block, known to all threads. Steps alternate between two rows of the buffer: a row is written again
// only after a barrier that every reader of its last content has reached, so one barrier a step is enough.
template <int kThreads>
__device__ inline Best block_best(Best mine, int2 (*buffer)[kWarp], int step) {
  mine = warp_best(mine);
  if constexpr (kThreads == kWarp) return mine;
  const int lane = threadIdx.x % kWarp;
  int2* row = buffer[step & 1];
  if (lane == 0) row[threadIdx.x / kWarp] = make_int2(mine.value, static_cast<int>(mine.index));
  __syncthreads();
  Best theirs = {std::numeric_limits<int>::min(), ~0u};
  if (lane < kThreads / kWarp) theirs = {row[lane].x, static_cast<unsigned>(row[lane].y)};
  return warp_best(theirs);
}

__device__ inline float3 load_point(const float* points, int64_t index) {
  const float* point = points + index * 3;
  return make_float3(__ldg(point), __ldg(point + 1), __ldg(point + 2));
}

// Where the running distance starts. -1 is never the largest while a candidate is left.
__device__ inline float first_distance(float3 point, bool skip_origin) {
  const bool skipped = skip_origin && squared_norm(point.x, point.y, point.z) <= kOriginRadiusSquared;
  return skipped ? -1.0f : std::numeric_limits<float>::infinity();
}

// The points of one thread: every kThreads-th of a run of kThreads * kPoints points.
template <int kThreads, int kPoints>
struct Share {
  float x[kPoints], y[kPoints], z[kPoints], distance[kPoints];
  unsigned first;

  __device__ void load(const float* points, int start, int total, bool skip_origin) {
    first = start + threadIdx.x;
#pragma unroll
    for (int p = 0; p < kPoints; ++p) {
      const int64_t index = static_cast<int64_t>(first) + p * kThreads;
      const bool there = index < total;
      const float3 point = there ? load_point(points, index) : make_float3(0.0f, 0.0f, 0.0f);
      x[p] = point.x;
      y[p] = point.y;
      z[p] = point.z;
      // Below every distance of a real point, -1 included.
      distance[p] = there ? first_distance(point, skip_origin) : -std::numeric_limits<float>::infinity();
    }
  }

  __device__ Best update(float3 last) {
    float largest = -std::numeric_limits<float>::infinity();
    int which = 0;
#pragma unroll
    for (int p = 0; p < kPoints; ++p) {
      distance[p] = fminf(distance[p], squared_norm(x[p] - last.x, y[p] - last.y, z[p] - last.z));
      if (distance[p] > largest) {
        largest = distance[p];
        which = p;
      }
    }
    return {ordered(largest), first + which * kThreads};
  }
};

__device__ inline void write_pick(int64_t* picked, float* centers, int64_t at, int64_t index, float3 point) {
  picked[at] = index;
  if (centers == nullptr) return;
  centers[at * 3] = point.x;
  centers[at * 3 + 1] = point.y;
  centers[at * 3 + 2] = point.z;
}

template <int kThreads, int kPoints>
__global__ void __launch_bounds__(kThreads) sample_in_block(
    const float* points, int total, int samples, bool skip_origin, int64_t* picked, float* centers) {
  __shared__ int2 buffer[2][kWarp];
  const int64_t cloud = blockIdx.x;
  points += cloud * total * 3;
  Share<kThreads, kPoints> share;
  share.load(points, 0, total, skip_origin);

  float3 last = load_point(points, 0);
  if (threadIdx.x == 0) write_pick(picked, centers, cloud * samples, 0, last);
  for (int step = 1; step < samples; ++step) {
    const Best best = block_best<kThreads>(share.update(last), buffer, step);
    last = load_point(points, best.index);
    if (threadIdx.x == 0) write_pick(picked, centers, cloud * samples + step, best.index, last);
  }
}

// Several resident blocks a cloud. Each posts its best of a step in a slot of its own, one 64-bit word that is zero
// until then, and reads those of the others; no lock and no order among the blocks is needed.
template <int kPoints>
__global__ void __launch_bounds__(kSharedThreads) sample_in_blocks(
    const float* points, int total, int samples, bool skip_origin, int parts, volatile Key* slots, int64_t* picked,
    float* centers) {
  __shared__ int2 buffer[2][kWarp];
  __shared__ unsigned chosen;
  const int64_t cloud = blockIdx.x / parts;
  const int part = blockIdx.x % parts;
  points += cloud * total * 3;
  Share<kSharedThreads, kPoints> share;
  share.load(points, part * kSharedThreads * kPoints, total, skip_origin);

  float3 last = load_point(points, 0);
  const bool writes = part == 0 && threadIdx.x == 0;
  if (writes) write_pick(picked, centers, cloud * samples, 0, last);
  for (int step = 1; step < samples; ++step) {
    Best best = block_best<kSharedThreads>(share.update(last), buffer, step);
    if (threadIdx.x < kWarp) {
      volatile Key* row = slots + (cloud * samples + step) * parts;
      // The sign bit flipped, integers order as unsigned ones; a real index keeps the word from being zero.
      if (threadIdx.x == 0) row[part] = make_key(static_cast<unsigned>(best.value) ^ 0x80000000u, ~best.index);
      best = {std::numeric_limits<int>::min(), ~0u};
      for (int other = threadIdx.x; other < parts; other += kWarp) {
        Key key = row[other];
        while (key == 0) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 700
          __nanosleep(20);
#endif
          key = row[other];
        }
        const Best theirs = {static_cast<int>(key_bits(key) ^ 0x80000000u), ~static_cast<unsigned>(key)};
        best = better(best, theirs);
      }
      __syncwarp();
      best = warp_best(best);
      if (threadIdx.x == 0) chosen = best.index;
    }
    __syncthreads();
    // The next write to `chosen` comes after the barrier of the next block_best, which every reader reaches first.
    const unsigned index = chosen;
    last = load_point(points, index);
    if (writes) write_pick(picked, centers, cloud * samples + step, index, last);
  }
}

// Any size: points and running distances in global memory.
template <int kThreads>
__global__ void __launch_bounds__(kThreads) sample_in_memory(
    const float* points, int total, int samples, bool skip_origin, float* distance, int64_t* picked, float* centers) {
  __shared__ int2 buffer[2][kWarp];
  const int64_t cloud = blockIdx.x;
  points += cloud * total * 3;
  distance += cloud * total;
  for (int64_t i = threadIdx.x; i < total; i += kThreads) {
    distance[i] = first_distance(load_point(points, i), skip_origin);
  }
  float3 last = load_point(points, 0);
  if (threadIdx.x == 0) write_pick(picked, centers, cloud * samples, 0, last);
  for (int step = 1; step < samples; ++step) {
    float largest = -std::numeric_limits<float>::infinity();
    unsigned which = threadIdx.x;
#pragma unroll 4
    for (int64_t i = threadIdx.x; i < total; i += kThreads) {
      const float3 point = load_point(points, i);
      const float nearest = fminf(distance[i], squared_norm(point.x - last.x, point.y - last.y, point.z - last.z));
      distance[i] = nearest;
      if (nearest > largest) {
        largest = nearest;
        which = static_cast<unsigned>(i);
      }
    }
    const Best best = block_best<kThreads>({ordered(largest), which}, buffer, step);
    last = load_point(points, best.index);
    if (threadIdx.x == 0) write_pick(picked, centers, cloud * samples + step, best.index, last);
  }
}

struct Job {
  const float* points;
  int64_t batch;
  int total;
  int samples;
  bool skip_origin;
  int64_t* picked;
  float* centers;
};

template <int kThreads, int kPoints>
void run_in_block(const Job& job) {
  static_assert(kThreads * kPoints <= kLargestBlock);
  launch(
      sample_in_block<kThreads, kPoints>, blocks_for(job.batch, 1), kThreads, job.points, job.total, job.samples,
      job.skip_origin, job.picked, job.centers);
}

// Blocks of a cooperative kernel that the device holds at once; 0 if it cannot run one.
template <typename Kernel>
int64_t resident_blocks(Kernel kernel) {
  int device = 0, possible = 0, processors = 0, each = 0;
  RECON_CUDA_CHECK(cudaGetDevice(&device));
  RECON_CUDA_CHECK(cudaDeviceGetAttribute(&possible, cudaDevAttrCooperativeLaunch, device));
  if (!possible) return 0;
  RECON_CUDA_CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  RECON_CUDA_CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel, kSharedThreads, 0));
  return static_cast<int64_t>(each) * processors;
}

// False if the blocks of a cloud (or, with `all`, of all clouds) do not fit on the device together.
template <int kPoints>
bool run_in_blocks(const Job& job, const Tensor& like, bool all) {
  constexpr int64_t kScratch = int64_t{1} << 28;  // bytes of slots at most
  const int64_t parts = (job.total - 1) / (kSharedThreads * kPoints) + 1;
  const int64_t slots_each = parts * job.samples;
  int64_t clouds = std::min(resident_blocks(sample_in_blocks<kPoints>) / parts, kScratch / 8 / slots_each);
  if (clouds < (all ? job.batch : 1)) return false;
  clouds = std::min(clouds, job.batch);
  const Tensor slots = empty({clouds * slots_each}, Type::Long, like);
  for (int64_t start = 0; start < job.batch; start += clouds) {
    const int64_t now = std::min(clouds, job.batch - start);
    const float* points = job.points + start * job.total * 3;
    int total = job.total, samples = job.samples, blocks = static_cast<int>(parts);
    bool skip_origin = job.skip_origin;
    volatile Key* words = reinterpret_cast<volatile Key*>(slots.mutable_data_ptr<int64_t>());
    RECON_CUDA_CHECK(cudaMemsetAsync(
        slots.mutable_data_ptr<int64_t>(), 0, clouds * slots_each * sizeof(int64_t), current_stream()));
    int64_t* picked = job.picked + start * samples;
    float* centers = job.centers == nullptr ? nullptr : job.centers + start * samples * 3;
    void* arguments[] = {&points, &total, &samples, &skip_origin, &blocks, &words, &picked, &centers};
    RECON_CUDA_CHECK(cudaLaunchCooperativeKernel(
        reinterpret_cast<const void*>(sample_in_blocks<kPoints>), dim3(static_cast<unsigned>(now * parts)),
        dim3(kSharedThreads), arguments, 0, current_stream()));
  }
  return true;
}

}  // namespace

void sample_farthest(
    const Tensor& points, int64_t num_samples, bool skip_origin, const Tensor& index, float* centers) {
  const Job job = {
      points.const_data_ptr<float>(), points.size(0), count(points.size(1)), count(num_samples), skip_origin,
      index.mutable_data_ptr<int64_t>(), centers};
  if (job.batch == 0 || job.samples == 0) return;
  check(job.samples <= job.total, "num_samples must be in 1..", job.total, ", got ", job.samples);
  if (job.total <= 128) return run_in_block<32, 4>(job);
  if (job.total <= 512) return run_in_block<128, 4>(job);
  if (job.total <= 1024) return run_in_block<128, 8>(job);
  if (job.total <= 2048) return run_in_block<256, 8>(job);
  if (job.total <= 4096) return run_in_block<512, 8>(job);
  if (job.total <= kLargestBlock) return run_in_block<512, 16>(job);
  if (run_in_blocks<4>(job, points, true) || run_in_blocks<16>(job, points, false)) return;
  const Tensor distance = empty({job.batch, job.total}, Type::Float, points);
  constexpr int kThreads = 1024;
  launch(
      sample_in_memory<kThreads>, blocks_for(job.batch, 1), kThreads, job.points, job.total, job.samples,
      job.skip_origin, distance.mutable_data_ptr<float>(), job.picked, job.centers);
}

namespace {

Tensor farthest_point_sample(const Tensor& points, int64_t num_samples, bool skip_origin) {
  const DeviceOf guard(points);
  const Tensor own = floats(points, "points", points, 3);
  check(own.size(2) == 3, "points must be (B, N, 3)");
  const Tensor index = empty({own.size(0), num_samples}, Type::Long, own);
  sample_farthest(own, num_samples, skip_origin, index, nullptr);
  return index;
}

}  // namespace

RECON_LIBRARY(CUDA, m) {
  m.impl("farthest_point_sample", RECON_KERNEL_OF(farthest_point_sample));
}

}  // namespace recon_ops::cuda

#define RECON_KERNEL "fps/fps_kernel.h"
#include "../common.h"
#include "../order.h"
#include "fps.h"

namespace recon_ops {

struct Buckets {
  float* block;     // count x (x[size], y[size], z[size], distance[size])
  int32_t* origin;  // count x size: a slot's index in the cloud
  float* box;       // 6 x stride: lowest x, y, z, then highest
  float* peak;      // stride: a bucket's largest distance
  int count, size, stride;
};

}  // namespace recon_ops

#include "../simd.h"

namespace recon_ops {
namespace {

// Where visiting only touched buckets wins over visiting all, sorting included, and the best bucket then (measured).
bool worth_pruning(int64_t total, int64_t count) { return total >= 1024 && count >= (total > 16384 ? 64 : 112); }

// Multiples of two vectors of every instruction set.
int bucket_size(int64_t total, bool pruned) { return !pruned ? 256 : total > 32768 ? 128 : 64; }

}  // namespace

void sample_clouds(const float* points, int64_t batch, int64_t total, int64_t count, bool skip_origin, int64_t* index) {
  const bool pruned = worth_pruning(total, count);
  const int size = bucket_size(total, pruned), full = static_cast<int>((total + size - 1) / size);
  const int stride = (full + 15) / 16 * 16;
  parallel_for(0, batch, grain(total * count / 16), [&](int64_t begin, int64_t end) {
    const int64_t slots = int64_t{full} * size;
    Scratch<float> block(4 * slots), box(7 * stride);
    Scratch<int32_t> origin(slots), order(pruned ? 4 * total : 0);
    const Buckets buckets{block.get(), origin.get(), box.get(), box.get() + 6 * stride, full, size, stride};
    int32_t* const sorted = pruned ? order.get() : nullptr;
    for (int64_t b = begin; b < end; ++b) {
      const float* cloud = points + b * total * 3;
      if (pruned) {
        auto* code = reinterpret_cast<uint32_t*>(sorted) + 2 * total;
        order_points(cloud, static_cast<int>(total), code, code + total, sorted, sorted + total);
      }
      RECON_DISPATCH(fill_buckets(cloud, static_cast<int>(total), sorted, skip_origin, buckets));
      RECON_DISPATCH(sample_buckets(cloud, count, pruned, buckets, index + b * count));
    }
  });
}

namespace {

Tensor farthest_point_sample(const Tensor& points, int64_t count, bool skip_origin) {
  check_floats(points, "points", 3);
  const int64_t batch = points.size(0), total = points.size(1);
  check(count >= 1 && count <= total, "num_samples must be in 1..", total, ", got ", count);
  const Tensor cloud = as_contiguous(points);
  check_finite(cloud, "points");
  Tensor index = empty({batch, count}, Type::Long, cloud);
  sample_clouds(cloud.const_data_ptr<float>(), batch, total, count, skip_origin, index.mutable_data_ptr<int64_t>());
  return index;
}

}  // namespace

RECON_LIBRARY(CPU, m) { m.impl("farthest_point_sample", RECON_KERNEL_OF(farthest_point_sample)); }

}  // namespace recon_ops
